/**
 * Writes every generated file from the tables: `deno task gen`.
 * With `--check` writes nothing, names the files that differ and exits with 1 when there is one.
 */

import { assemblySource, layoutSource } from "./gen/layout.ts";
import { virtioSource } from "./gen/virtio.ts";
import { wireSource } from "./gen/wire.ts";

const root = new URL("../", import.meta.url);

const outputs: readonly [path: string, source: () => string][] = [
  ["src/protocol/wire.gen.ts", wireSource],
  ["src/virtio/virtio.gen.ts", virtioSource],
  ["src/wasm/layout.gen.ts", layoutSource],
  ["assembly/constants.gen.ts", assemblySource],
];

function current(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(new URL(path, root));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

const stale = outputs
  .map(([path, source]) => ({ path, text: source() }))
  .filter(({ path, text }) => current(path) !== text);

if (Deno.args.includes("--check")) {
  for (const { path } of stale) console.error(`${path} is not what the tables say: run deno task gen`);
  Deno.exit(stale.length === 0 ? 0 : 1);
}

for (const { path, text } of stale) {
  Deno.writeTextFileSync(new URL(path, root), text);
  console.log(`wrote ${path}`);
}
