/** Compiles `bench/c/kernels.c` and calls it over the same memory as the kernels. */

const source = new URL("./c/kernels.c", import.meta.url);
const constants = new URL("../assembly/constants.gen.ts", import.meta.url);

const u32 = "u32" as const;
const symbols = {
  repeat_bytes: { parameters: ["buffer", u32, u32, "buffer", u32, u32, u32, u32], result: "void" },
  repeat_rects: { parameters: ["buffer", u32, u32, "buffer", u32, u32, u32, u32, u32, u32], result: "void" },
  repeat_boxes: { parameters: ["buffer", u32, u32, "buffer", u32, u32, u32, u32, u32, u32, u32, u32], result: "void" },
  repeat_page_list: { parameters: ["buffer", u32, u32, u32, u32, u32, u32], result: "i32" },
  repeat_pop: { parameters: ["buffer", u32, u32, u32], result: "i32" },
  repeat_complete: { parameters: ["buffer", u32, u32, u32, u32, u32], result: "i32" },
  repeat_convert: { parameters: ["buffer", u32, u32, u32, u32, u32, u32, u32, u32], result: "void" },
  repeat_gather_convert: { parameters: ["buffer", u32, u32, u32, u32, u32, u32, u32, u32, u32, u32], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The C baselines, as functions. */
export type CKernels = Deno.DynamicLibrary<typeof symbols>["symbols"];

/** Compiles and opens the baselines, or returns undefined where there is no gcc for x86-64. */
export async function openCKernels(): Promise<CKernels | undefined> {
  if (Deno.build.arch !== "x86_64") return undefined;
  const folder = await Deno.makeTempDir({ prefix: "scanout-bench-" });
  const library = `${folder}/kernels.so`;
  const options = ["-O2", "-mssse3", "-fno-strict-aliasing", "-shared", "-fPIC", "-o", library];
  const isCompiled = await compile([...options, ...await constantDefinitions(), new URL(source).pathname]);
  if (!isCompiled) return undefined;
  const { symbols: functions } = Deno.dlopen(library, symbols);
  await Deno.remove(folder, { recursive: true }); // an opened library stays mapped
  return functions;
}

async function compile(args: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("gcc", { args, stdout: "inherit", stderr: "inherit" }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The constants of the kernels as -D options, so that C has no offsets of its own. */
async function constantDefinitions(): Promise<string[]> {
  const text = await Deno.readTextFile(constants);
  return [...text.matchAll(/^export const (\w+): \w+ = (-?\d+);$/gm)].map(([, name, value]) => `-D${name}=${value}`);
}
