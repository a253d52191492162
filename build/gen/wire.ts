/** Writes `src/protocol/wire.gen.ts`. */

import { hex } from "./names.ts";
import { banner, constant, groupSource } from "./source.ts";
import { lookups } from "./wire_lookups.ts";
import { commandReaders, headerReader, partReader, responseReader } from "./wire_readers.ts";
import { interfaces, sizeConstants } from "./wire_types.ts";
import { anyCommandWriter, commandWriter, headerWriter, partWriter, responseWriter } from "./wire_writers.ts";
import type { Group } from "../tables/struct.ts";
import { commands, ctrlHdr, memEntry, responses } from "../tables/wire.ts";
import { constants, groups } from "../tables/wire_values.ts";

const commandTypes: Group = {
  name: "CommandType",
  doc: "The type of each request.",
  clause: ctrlHdr.clause,
  cPrefix: "VIRTIO_GPU_CMD_",
  members: commands.map(({ name, type, doc, clause }) => ({ name, value: type, doc: `${doc} ${clause}.` })),
};

const responseTypes: Group = {
  name: "ResponseType",
  doc: "The type of each reply.",
  clause: ctrlHdr.clause,
  cPrefix: "VIRTIO_GPU_RESP_",
  members: responses.map(({ name, type, doc }) => ({ name, value: type, doc })),
};

const conventions = `
// All of it is little endian, and every request is a whole number of 32-bit words: readers and writers take a
// Uint32Array and the index of the message's first word. Sizes and offsets are in bytes.
`;

/** Source of the function that readers call for a le64 number. */
export const saturating =
  `/** A le64 as a number that saturates at 2^53: no real size is larger, and a saturated one fails every range check. */
function u64(low: number, high: number): number {
  return high >= 0x200000 ? 0x20000000000000 : high * 4294967296 + low;
}
`;

/** The source of `src/protocol/wire.gen.ts`. */
export function wireSource(): string {
  const replies = responses.filter((response) => response.struct !== ctrlHdr);
  return [
    banner("The virtio-gpu wire format: numbers, records, readers and writers.", "build/tables/wire.ts") + conventions,
    groupSource(commandTypes, hex),
    groupSource(responseTypes, hex),
    ...groups.map((group) => groupSource(group)),
    constants.map(({ name, value, doc, clause }) => constant(name, value, `${doc} ${clause}.`)).join(""),
    sizeConstants(),
    interfaces(),
    lookups(),
    saturating,
    headerReader(),
    commandReaders(commands),
    partReader(memEntry),
    ...replies.map(responseReader),
    headerWriter(),
    partWriter(memEntry),
    ...commands.map(commandWriter),
    anyCommandWriter(commands),
    ...replies.map(responseWriter),
  ].join("\n");
}
