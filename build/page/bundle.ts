import { fileURLToPath } from "node:url";
import { build, stop } from "esbuild";

const EXAMPLE = fileURLToPath(new URL("../../examples/v86", import.meta.url));

/** The page's scripts by their names, bundled by esbuild with v86 in them; and its other files. */
export async function bundlePage(): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const files = await bundleScripts(EXAMPLE, ["page.ts", "machine_worker.ts"]);
  for (const name of ["index.html", "page.css"]) files.set(name, await Deno.readFile(`${EXAMPLE}/${name}`));
  return files;
}

/** The scripts of a page in `folder` that has v86 in it, by their names: of each entry point, and what several share. */
export async function bundleScripts(
  folder: string,
  entryPoints: string[],
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const result = await build({
    entryPoints,
    absWorkingDir: folder,
    outdir: "bundle",
    bundle: true,
    splitting: true, // the machine is in the Worker, or loaded by the page when there is none
    minify: true,
    format: "esm",
    target: "es2022",
    alias: { v86: fileURLToPath(import.meta.resolve("v86")) },
    external: ["crypto", "fs", "fs/promises", "perf_hooks", "node:*"], // v86 asks for them under Node alone
    write: false,
    logLevel: "silent",
  });
  await stop();
  return new Map(
    result.outputFiles.map(({ path, contents }) => [path.split(/[\\/]/).at(-1)!, new Uint8Array(contents)]),
  );
}

/** v86's WebAssembly, of the npm package. */
export function v86Wasm(): Promise<Uint8Array<ArrayBuffer>> {
  return Deno.readFile(fileURLToPath(new URL("./v86.wasm", import.meta.resolve("v86"))));
}
