import { gzipSync, inflateSync } from "node:zlib";
import type { Plugin } from "esbuild";
import { kernelsBase64, unsharedKernelsBytes } from "../../src/wasm/kernels.gen.ts";
import { bundleEntries } from "./bundle.ts";

/** The text that stands before the sizes in docs/packages.md, and behind them. */
const BEGIN = "<!-- sizes: written by `deno task pack` -->";
const END = "<!-- end of sizes -->";

type Exports = Readonly<Record<string, string>>;

/** The lines about sizes of docs/packages.md: of each entry by itself, of the script tag's file, and of the kernels. */
export async function sizesText(exports: Exports, scriptTag: Uint8Array): Promise<string> {
  const rows = [];
  for (const [entry, source] of Object.entries(exports)) rows.push(row(`\`${entry}\``, await bundleEntries([source])));
  const all = await bundleEntries([exports["."]!, exports["./v86"]!]);
  rows.push(row("`.` and `./v86`", all), row("`scanout.min.js`", scriptTag));
  return `| what | bytes | gzipped |\n| - | -: | -: |\n${rows.join("\n")}\n\n${await kernelsText(exports)}`;
}

/** `text`, a file's, with `sizes` between the two marks. Throws where they are missing. */
export function withSizes(text: string, sizes: string): string {
  const [before, rest] = text.split(`${BEGIN}\n`);
  const after = rest?.split(`${END}\n`)[1];
  if (before === undefined || after === undefined) throw new Error(`Cannot write the sizes: there is no ${BEGIN}`);
  return `${before}${BEGIN}\n\n${sizes}\n\n${END}\n${after}`;
}

/** What the kernels cost as text in the script, against the Wasm files that they could be. */
async function kernelsText(exports: Exports): Promise<string> {
  const all = gzipSync(await bundleEntries([exports["."]!])).length;
  const text = all - gzipSync(await bundleEntries([exports["."]!], [noKernels])).length;
  const modules = inflateSync(Uint8Array.fromBase64(kernelsBase64));
  const one = gzipSync(modules.subarray(0, unsharedKernelsBytes)).length;
  const both = one + gzipSync(modules.subarray(unsharedKernelsBytes)).length;
  return `The kernels are ${
    number(text)
  } of the gzipped bytes of \`.\`: as text, both modules, for unshared memory and for` +
    ` shared.\nAs two Wasm files they would be ${number(both)}, and a page would load the ${number(one)} of one.`;
}

const noKernels: Plugin = {
  name: "no kernels",
  setup: ({ onLoad }) =>
    onLoad(
      { filter: /kernels\.gen\.ts$/ },
      () => ({ contents: `export const unsharedKernelsBytes = 0, kernelsBase64 = "";` }),
    ),
};

function row(what: string, bytes: Uint8Array): string {
  return `| ${what} | ${number(bytes.length)} | ${number(gzipSync(bytes).length)} |`;
}

function number(value: number): string {
  return value.toLocaleString("en");
}
