/**
 * Measures in headless Chromium how fast a Debian guest draws, on our device and on v86's own VGA:
 * `deno task figures:page [rounds] [milliseconds] [folder]`. Writes docs/browser_figures.md, docs/pictures/figures.svg and
 * the figures of README.md, in this project's folder unless another one is given.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chart } from "./chart.ts";
import { measure } from "./measure.ts";
import { page, section, withSection } from "./report.ts";

const rounds = Number(Deno.args[0] ?? 9);
const milliseconds = Number(Deno.args[1] ?? 1000);
const project = fileURLToPath(new URL("../..", import.meta.url));
const root = Deno.args[2] ?? project;
const readme = join(root, "README.md");
const document = join(root, "docs/browser_figures.md");
const picture = join(root, "docs/pictures/figures.svg");

const figures = await measure(rounds, milliseconds);
await Deno.mkdir(join(root, "docs/pictures"), { recursive: true });
await Deno.writeTextFile(picture, await chart(figures));
await Deno.writeTextFile(document, page(figures));
await Deno.writeTextFile(readme, withSection(await Deno.readTextFile(readme), figures));
const fmt = ["fmt", "-q", "--config", join(project, "deno.json"), readme, document];
await new Deno.Command(Deno.execPath(), { args: fmt }).output();
console.log(section(figures));
