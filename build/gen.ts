/**
 * Writes every generated file from the tables: `deno task gen`.
 * With `--check` it writes nothing, names the files that differ and exits with 1 when there is one.
 */

import { assemblySource, layoutSource } from "./gen/layout.ts";
import { vhostUserSource } from "./gen/vhost_user.ts";
import { vhostUserGpuSource } from "./gen/vhost_user_gpu.ts";
import { virtioSource } from "./gen/virtio.ts";
import { wireSource } from "./gen/wire.ts";

/** A generated file: its path from the root, and the text that the tables give it. */
export interface Generated {
  readonly path: string;
  readonly text: string;
}

const root = new URL("../", import.meta.url);

/** Every generated file but the kernels' bytes, which `build/kernels.ts` writes. */
export function generate(): Generated[] {
  return [
    { path: "src/protocol/wire.gen.ts", text: wireSource() },
    { path: "src/virtio/virtio.gen.ts", text: virtioSource() },
    { path: "src/transport/vhost_user/vhost_user.gen.ts", text: vhostUserSource() },
    { path: "src/display/vhost_user_gpu.gen.ts", text: vhostUserGpuSource() },
    { path: "src/wasm/layout.gen.ts", text: layoutSource() },
    { path: "assembly/constants.gen.ts", text: assemblySource() },
  ];
}

/** The generated files whose text on disk is another, or that are not there. */
export function staleFiles(): Generated[] {
  return generate().filter(({ path, text }) => onDisk(path) !== text);
}

function onDisk(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(new URL(path, root));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function check(): number {
  const stale = staleFiles();
  for (const { path } of stale) console.error(`${path} is not what the tables say: run deno task gen`);
  return stale.length === 0 ? 0 : 1;
}

function write(): void {
  for (const { path, text } of staleFiles()) {
    Deno.writeTextFileSync(new URL(path, root), text);
    console.log(`wrote ${path}`);
  }
}

if (import.meta.main) {
  if (Deno.args.includes("--check")) Deno.exit(check());
  write();
}
