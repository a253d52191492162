/**
 * Makes what people install: `deno task pack`. Writes the npm package to out/NAME-VERSION.tgz and the script tag's file to
 * out/scanout.min.js, and their sizes into docs/packages.md.
 */
import { fileURLToPath } from "node:url";
import { bundleForScriptTag } from "./package/bundle.ts";
import { compile, importedPackages } from "./package/compile.ts";
import { denoConfig, manifest } from "./package/manifest.ts";
import { sizesText, withSizes } from "./package/sizes.ts";

const ROOT = new URL("../", import.meta.url);
const PACKAGES_DOC = new URL("docs/packages.md", ROOT);

/** The files that were made. */
export interface Packages {
  /** The npm package. */
  readonly tarball: URL;
  /** The ES module for a script tag. */
  readonly scriptTag: URL;
}

/** Makes the packages in `folder`, over those of an earlier run. Needs npm. */
export async function pack(folder: URL): Promise<Packages> {
  const config = denoConfig();
  const scriptTag = new URL("scanout.min.js", folder);
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeFile(scriptTag, await bundleForScriptTag(config.exports));

  const contents = new URL("package/", folder);
  await Deno.remove(contents, { recursive: true }).catch(ignoreMissing);
  await compile(config, new URL("lib/", contents));
  const dependencies = importedPackages(new URL("lib/", contents));
  await Deno.writeTextFile(new URL("package.json", contents), json(manifest(config, dependencies)));
  await Deno.mkdir(new URL("docs/", contents));
  for (const name of ["README.md", "LICENSE", "CHANGELOG.md", ...documents()]) {
    await Deno.copyFile(new URL(name, ROOT), new URL(name, contents));
  }
  await Deno.copyFile(scriptTag, new URL("scanout.min.js", contents));
  return { tarball: new URL(await npmPack(contents, folder), folder), scriptTag };
}

function documents(): string[] {
  const names = [...Deno.readDirSync(new URL("docs/", ROOT))].map(({ name }) => `docs/${name}`);
  return names.filter((name) => name.endsWith(".md")); // a picture is larger than the package
}

/** Has npm make the tarball of `contents` in `folder`, and returns its name. */
async function npmPack(contents: URL, folder: URL): Promise<string> {
  const args = ["pack", "--json", "--ignore-scripts", "--loglevel=error", "--pack-destination", fileURLToPath(folder)];
  const npm = new Deno.Command("npm", { args, cwd: contents, stderr: "inherit" });
  const { success, stdout } = await npm.output();
  if (!success) throw new Error("Cannot make the package: npm pack failed");
  return JSON.parse(new TextDecoder().decode(stdout))[0].filename;
}

function json(value: unknown): string {
  return JSON.stringify(value, undefined, 2) + "\n";
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

if (import.meta.main) {
  const { tarball, scriptTag } = await pack(new URL("out/", ROOT));
  const sizes = await sizesText(denoConfig().exports, await Deno.readFile(scriptTag));
  await Deno.writeTextFile(PACKAGES_DOC, withSizes(await Deno.readTextFile(PACKAGES_DOC), sizes));
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "-q", fileURLToPath(PACKAGES_DOC)] }).output();
  console.log(`${sizes}\n`);
  for (const file of [tarball, scriptTag]) {
    console.log(`out/${file.pathname.split("/").at(-1)}: ${(await Deno.stat(file)).size.toLocaleString("en")} bytes`);
  }
}
