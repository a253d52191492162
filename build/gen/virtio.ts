/** Writes `src/virtio/virtio.gen.ts`. */

import { pascalCase } from "./names.ts";
import { banner, body, constant, docstring, functionHead, groupSource } from "./source.ts";
import { type Constant, type Group, isPadding, type Struct } from "../tables/struct.ts";
import { mmioConstants, pciConstants, pciStructs, ringConstants, ringStructs, virtioGroups } from "../tables/virtio.ts";

/** Constants that are one number each. */
export function constants(rows: readonly Constant[]): string {
  return rows.map(({ name, value, doc, clause }) => {
    return constant(name, value > 255 ? `0x${value.toString(16)}` : value, `${doc} ${clause}.`);
  }).join("");
}

/** The offsets and the sizes of the rings' structs, by the names that the kernels use too: `VIRTQ_DESC_ADDR`. */
export function ringRows(): Constant[] {
  return ringStructs.flatMap((struct) => {
    const { clause, trailing } = struct;
    const prefix = struct.name.toUpperCase();
    const offsets = struct.fields.map((field) => ({
      name: `${prefix}_${field.name.toUpperCase()}`,
      value: field.offset,
      cName: undefined,
      clause,
      doc: `Offset in bytes of \`${field.name}\`.`,
    }));
    const end = trailing === undefined
      ? { name: `${prefix}_SIZE`, doc: `Size in bytes of a \`${struct.name}\`.` }
      : { name: `${prefix}_${trailing.toUpperCase()}`, doc: "Offset in bytes of the first element." };
    return [...offsets, { ...end, value: struct.sizeBytes, cName: undefined, clause }];
  });
}

/** A register block as an object of offsets, and its size. */
function registers(struct: Struct): string {
  const { name, cName, doc, clause, sizeBytes } = struct;
  const fields = struct.fields.filter((field) => !isPadding(field) && field.name !== "cap");
  const offsets: Group = {
    name: pascalCase(name),
    doc: `${doc} The offset in bytes of each field.`,
    clause,
    cPrefix: "",
    members: fields.map((field) => ({ name: field.name, value: field.offset })),
  };
  return groupSource(offsets) +
    constant(`${name.toUpperCase()}_SIZE`, sizeBytes, `Size in bytes of \`${cName}\`. ${clause}.`);
}

/** The width of the register at each offset of the common configuration. */
function widths(struct: Struct): string {
  const doc = "Bytes of the register that begins at `offset` of the common configuration; 0 where none begins.";
  const cases = [1, 2, 4].flatMap((width) => {
    const fields = struct.fields.filter((field) => field.sizeBytes === width);
    return [...fields.map((field) => `  case ${field.offset}: // ${field.name}`), `    return ${width};`];
  });
  return docstring(`${doc} ${struct.clause}.`) +
    functionHead("export function commonCfgWidth", ["offset: number"], "number") +
    `${body(["switch (offset) {", ...cases, "}", "return 0;"])}}\n`;
}

/** The source of `src/virtio/virtio.gen.ts`. */
export function virtioSource(): string {
  const commonCfg = pciStructs.find((struct) => struct.name === "common_cfg")!;
  return [
    banner(
      "What every virtio device shares: rings, status and feature bits, PCI and MMIO registers.",
      "build/tables/virtio.ts",
    ),
    constants([...ringRows(), ...ringConstants]),
    ...virtioGroups.map((group) => groupSource(group, group.name === "MmioRegister" ? hexadecimal : String)),
    constants(mmioConstants),
    constants(pciConstants),
    ...pciStructs.map(registers),
    widths(commonCfg),
  ].join("\n");
}

function hexadecimal(value: number): string {
  return `0x${value.toString(16).padStart(3, "0")}`;
}
