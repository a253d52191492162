import { fileURLToPath } from "node:url";
import { build, type Plugin, stop } from "esbuild";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The entries that the file for a script tag has in it; PNG is left out, since it would bring fast-png. */
const SCRIPT_TAG_ENTRIES = [".", "./v86", "./displays/canvas", "./displays/webgpu"];

/** One minified ES module with every export of the script tag's entries, for pages without a bundler. */
export function bundleForScriptTag(exports: Readonly<Record<string, string>>): Promise<Uint8Array<ArrayBuffer>> {
  return bundleEntries(SCRIPT_TAG_ENTRIES.map((entry) => exports[entry]!));
}

/** One minified ES module with every export of `sources`, files of the project, as `plugins` load them; it imports fast-png. */
export async function bundleEntries(
  sources: readonly string[],
  plugins: Plugin[] = [],
): Promise<Uint8Array<ArrayBuffer>> {
  const result = await build({
    stdin: { contents: sources.map((source) => `export * from "${source}";`).join("\n"), resolveDir: ROOT },
    packages: "external",
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    logLevel: "silent",
    plugins,
  });
  await stop();
  return new Uint8Array(result.outputFiles[0]!.contents);
}
