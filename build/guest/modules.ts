import { basename } from "node:path";

/** One kernel module, named as `lsmod` names it. */
export interface KernelModule {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The modules that must be loaded before it. */
  readonly depends: readonly string[];
}

/** `virtio-gpu.ko` is the module `virtio_gpu`. */
function moduleName(path: string): string {
  return basename(path, ".ko").replaceAll("-", "_");
}

/**
 * Reads the modules `names` and everything they depend on, dependencies first.
 * `paths` are the files of all modules of that kernel. A name that no file has is left out: it may be built in.
 */
export async function readModules(paths: readonly string[], names: readonly string[]): Promise<KernelModule[]> {
  const pathOf = new Map(paths.map((path) => [moduleName(path), path]));
  const modules = new Map<string, KernelModule>();
  const visit = async (name: string) => {
    const path = pathOf.get(name);
    if (path === undefined || modules.has(name)) return;
    const bytes = await Deno.readFile(path);
    const depends = moduleDepends(bytes);
    for (const other of depends) await visit(other);
    modules.set(name, { name, bytes, depends });
  };
  for (const name of names) await visit(name);
  return [...modules.values()];
}

/**
 * The text of `modules.dep` for modprobe, which loads what a line lists from its end to its beginning. depmod makes this
 * file when a kernel is installed, so the package has none: the dependencies come from the `depends=` of each module.
 * `modules` have dependencies first, as `readModules` returns them.
 */
export function modulesDep(modules: readonly KernelModule[]): string {
  const closures = new Map<string, Set<string>>();
  for (const { name, depends } of modules) {
    closures.set(name, new Set(depends.flatMap((other) => [other, ...closures.get(other) ?? []])));
  }
  const lastFirst = modules.map(({ name }) => name).reverse();
  return modules
    .map(({ name }) => lastFirst.filter((other) => closures.get(name)!.has(other)))
    .map((needed, index) => `${modules[index]!.name}.ko:${needed.map((other) => ` ${other}.ko`).join("")}\n`)
    .join("");
}

function moduleDepends(bytes: Uint8Array): string[] {
  const text = new TextDecoder("latin1").decode(bytes);
  const list = /\0depends=([^\0]*)\0/.exec(text)?.[1] ?? "";
  return list.split(",").filter((name) => name !== "");
}
