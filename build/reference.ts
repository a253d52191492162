/**
 * Writes the reference of the package's entries, as web pages, into a folder: `deno task reference [FOLDER]`. It is
 * out/reference unless a folder is given.
 */
import { denoConfig } from "./package/manifest.ts";

const [folder = "out/reference"] = Deno.args;
await Deno.remove(folder, { recursive: true }).catch(() => {}); // there may be none, or the pages of what is no more
const deno = new Deno.Command(Deno.execPath(), {
  args: ["doc", "--html", "--name=Scanout", `--output=${folder}`, ...Object.values(denoConfig().exports)],
  stdout: "inherit",
  stderr: "inherit",
});
const { code } = await deno.output();
if (code !== 0) Deno.exit(code);

const { name, exports } = denoConfig();
const entries = Object.keys(exports).filter((entry) => entry !== ".").map((entry) => entry.slice("./".length));

// The tool knows entries by their places here, and readers by the package's name.
const specifiers = new Map([[".", name], ...entries.map((entry) => [entry, `${name}/${entry}`] as const)]);
for (const path of await pagesUnder(folder)) {
  const page = await Deno.readTextFile(path);
  const named = page.replaceAll(/(?<= from &quot;)[^&]+(?=&quot;)/g, (entry) => specifiers.get(entry) ?? entry);
  if (named !== page) await Deno.writeTextFile(path, named);
}

// The first page has no way to the other entries.
const index = `${folder}/index.html`;
const links = entries.map((entry) => `<li><a class="contextLink" href="${entry}/index.html">${entry}</a></li>`).join(
  "",
);
const page = await Deno.readTextFile(index);
await Deno.writeTextFile(index, page.replace("</nav>", () => `</nav>\n<ul class="breadcrumbs">${links}</ul>`));

async function pagesUnder(folder: string): Promise<string[]> {
  const pages: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) pages.push(...await pagesUnder(`${folder}/${name}`));
    else if (name.endsWith(".html")) pages.push(`${folder}/${name}`);
  }
  return pages;
}
