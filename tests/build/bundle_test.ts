import { assert, assertEquals } from "@std/assert";
import { build, stop } from "esbuild";
import { bundleEntries } from "../../build/package/bundle.ts";

const ENTRIES = ["src/mod.ts", "src/hosts/v86.ts"];
const MAX_GZIPPED_BYTES = 40 * 1024;

/** Bundles the two entries, and gives the bundler's account of them. */
async function bundle() {
  const result = await build({
    entryPoints: ENTRIES,
    absWorkingDir: new URL("../..", import.meta.url).pathname,
    outdir: "out/bundle",
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    write: false,
    metafile: true,
  });
  await stop();
  return result;
}

async function gzippedBytes(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(stream).arrayBuffer()).byteLength;
}

Deno.test("the entries . and ./v86, minified together with the kernels in them, take at most 40 KB gzipped", async () => {
  const bytes = await gzippedBytes(await bundleEntries(ENTRIES.map((entry) => `./${entry}`)));
  assert(bytes <= MAX_GZIPPED_BYTES, `${bytes} bytes`);
});

Deno.test("the entries . and ./v86 contain no file but those of src, and import nothing", async () => {
  const { metafile } = await bundle();
  const foreign = Object.keys(metafile.inputs).filter((path) => !path.startsWith("src/"));
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  assertEquals(foreign, []);
  assertEquals(imports.filter(({ external }) => external), []);
});
