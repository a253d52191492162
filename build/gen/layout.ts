/** Writes `src/wasm/layout.gen.ts` and `assembly/constants.gen.ts`: what the kernels and their callers share. */

import { banner } from "./source.ts";
import { ringRows } from "./virtio.ts";
import { offsetOf } from "../tables/struct.ts";
import { kernelLayout } from "../tables/kernel_layout.ts";
import { ringConstants } from "../tables/virtio.ts";
import { memEntry } from "../tables/wire.ts";

/** The source of `src/wasm/layout.gen.ts`. */
export function layoutSource(): string {
  const lines = Object.entries(kernelLayout).map(([name, value]) => `export const ${name} = ${value};\n`);
  const first = banner("The layouts that TypeScript and the kernels share.", "build/tables/kernel_layout.ts");
  return `${first}\n${lines.join("")}`;
}

/** The source of `assembly/constants.gen.ts`. */
export function assemblySource(): string {
  const rows: [string, number][] = [
    ...[...ringRows(), ...ringConstants].map(({ name, value }): [string, number] => [name, value]),
    ["MEM_ENTRY_ADDR", offsetOf(memEntry, "addr")],
    ["MEM_ENTRY_LENGTH", offsetOf(memEntry, "length")],
    ["MEM_ENTRY_SIZE", memEntry.sizeBytes],
    ...Object.entries(kernelLayout),
  ];
  const lines = rows.map(([name, value]) => `export const ${name}: i32 = ${value};\n`);
  return `${banner("Offsets, sizes and codes for the kernels.", "build/tables")}\n${lines.join("")}`;
}
