import { fileURLToPath } from "node:url";
import type { DenoConfig } from "./manifest.ts";

const ROOT = new URL("../../", import.meta.url);

/**
 * What every host of the package has: Node 20, and browsers of 2023; a newer function in src/ does not compile. Of 2024's
 * it has `Atomics.waitAsync`, for which the server of a remote renderer asks.
 */
const PLATFORM = { target: "es2022", lib: ["es2023", "es2024.sharedmemory", "dom"] };

/**
 * Compiles the entries of deno.json, and what they import, by TypeScript's own compiler: a `.js` and a `.d.ts` file for
 * each `.ts` file of src/, at the same place under `folder`. Throws with the compiler's words when a type is wrong.
 */
export async function compile(config: DenoConfig, folder: URL): Promise<void> {
  const path = (file: string) => fileURLToPath(new URL(file, ROOT));
  const { lib: _, ...strictness } = config.compilerOptions;
  const project = {
    compilerOptions: {
      ...strictness,
      ...PLATFORM,
      module: "esnext",
      moduleResolution: "bundler",
      isolatedModules: true,
      rewriteRelativeImportExtensions: true,
      declaration: true,
      types: [],
      rootDir: path("src/"),
      outDir: fileURLToPath(folder),
    },
    files: [path("build/package/ambient.d.ts"), ...Object.values(config.exports).map(path)],
  };
  const projectFile = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(projectFile, JSON.stringify(project));
    await runCompiler(config.imports["typescript"]!, projectFile);
  } finally {
    await Deno.remove(projectFile);
  }
  for (const file of filesUnder(folder, ".d.ts")) await nameCompiledFiles(file);
}

async function runCompiler(specifier: string, projectFile: string): Promise<void> {
  const args = ["run", "-q", "-A", `${specifier}/tsc`, "--project", projectFile];
  const { success, stdout } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT, stderr: "inherit" }).output();
  if (!success) throw new Error(`Cannot compile the package:\n${new TextDecoder().decode(stdout)}`);
}

/** The compiler rewrites `./name.ts` to `./name.js` in JavaScript alone: this does it in a declaration file. */
async function nameCompiledFiles(file: URL): Promise<void> {
  const text = await Deno.readTextFile(file);
  await Deno.writeTextFile(file, text.replace(/((?:\bfrom |\bimport\()"\.[^"]*)\.ts"/g, '$1.js"'));
}

/** The packages that the compiled files under `folder` import, without duplicates. */
export function importedPackages(folder: URL): string[] {
  const packages = filesUnder(folder, ".js").flatMap((file) => {
    const imports = Deno.readTextFileSync(file).matchAll(/^(?:import|export)\b[^";=(]*\bfrom "([^".][^"]*)";$/gm);
    return [...imports].map((match) => match[1]!);
  });
  return [...new Set(packages)].sort();
}

function filesUnder(folder: URL, extension: string): URL[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return filesUnder(new URL(`${name}/`, folder), extension);
    return name.endsWith(extension) ? [new URL(name, folder)] : [];
  });
}
