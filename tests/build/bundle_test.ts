import { assert, assertEquals } from "@std/assert";
import { build, stop } from "esbuild";

const MAX_GZIPPED_BYTES = 40 * 1024;

/** Bundles the two entries as a web page would, and gives the bundler's account of them. */
async function bundle() {
  const result = await build({
    entryPoints: ["src/mod.ts", "src/hosts/v86.ts"],
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

Deno.test("the entries . and ./v86, minified with the kernels in them, take at most 40 KB gzipped", async () => {
  const { outputFiles } = await bundle();
  const sizes = await Promise.all(outputFiles.map(({ contents }) => gzippedBytes(new Uint8Array(contents))));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  assert(total <= MAX_GZIPPED_BYTES, `${total} bytes`);
});

Deno.test("the entries . and ./v86 contain no file but those of src, and import nothing", async () => {
  const { metafile } = await bundle();
  const foreign = Object.keys(metafile.inputs).filter((path) => !path.startsWith("src/"));
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  assertEquals(foreign, []);
  assertEquals(imports.filter(({ external }) => external), []);
});
