/** Records of the wire format made from the table alone, to compare the generated code with. */

import fc from "fast-check";
import { isBytes, propertyFields, propertyName } from "../../build/gen/fields.ts";
import type { PlacedField, Struct } from "../../build/tables/struct.ts";

type Properties = Record<string, unknown>;

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const LARGEST = 2 ** 53;

/** Any record of a struct, with every number in the range that its field can hold. */
export function recordsOf(struct: Struct): fc.Arbitrary<Properties> {
  const members = struct.fields.filter((field) => !isBytes(field)).flatMap(valuesOf);
  return fc.record(Object.fromEntries(members), { noNullPrototype: true });
}

function valuesOf(field: PlacedField): [string, fc.Arbitrary<unknown>][] {
  const name = propertyName(field);
  if (field.name.startsWith("padding")) return [];
  if (field.name === "hdr") {
    return propertyFields(field.struct!).filter(({ name }) => name !== "type").flatMap(valuesOf);
  }
  if (field.kind === "id64") return [[`${name}Low`, u32], [`${name}High`, u32]];
  return [[name, valueOf(field)]];
}

function valueOf(field: PlacedField): fc.Arbitrary<unknown> {
  if (field.kind === "struct" && field.count === 1) return recordsOf(field.struct!);
  if (field.kind === "struct") {
    return fc.array(recordsOf(field.struct!), { minLength: field.count, maxLength: field.count });
  }
  if (field.kind === "u64") return fc.oneof(fc.maxSafeNat(), fc.constant(LARGEST));
  if (field.kind === "i32") return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  if (field.kind === "u8") return fc.integer({ min: 0, max: 255 });
  if (field.count > 1) return fc.uint32Array({ minLength: field.count, maxLength: field.count });
  return u32;
}

/** The record that the table says is at `offset`: one field after the other, with a DataView and a BigInt. */
export function readByTable(struct: Struct, view: DataView, offset = 0): Properties {
  const record: Properties = {};
  for (const field of propertyFields(struct)) Object.assign(record, readField(field, view, offset + field.offset));
  return record;
}

function readField(field: PlacedField, view: DataView, at: number): Properties {
  const name = propertyName(field);
  const elements = Array.from({ length: field.count }, (_, i) => i);
  switch (field.kind) {
    case "id64":
      return { [`${name}Low`]: view.getUint32(at, true), [`${name}High`]: view.getUint32(at + 4, true) };
    case "u64": {
      const value = Number(view.getBigUint64(at, true));
      return { [name]: Math.min(value, LARGEST) };
    }
    case "struct": {
      const records = elements.map((i) => readByTable(field.struct!, view, at + i * field.struct!.sizeBytes));
      return { [name]: field.count === 1 ? records[0] : records };
    }
    case "i32":
      return { [name]: view.getInt32(at, true) };
    case "u16":
      return { [name]: view.getUint16(at, true) };
    case "u8":
      return { [name]: view.getUint8(at) };
    case "u32": {
      const values = elements.map((i) => view.getUint32(at + 4 * i, true));
      return { [name]: field.count === 1 ? values[0] : Uint32Array.from(values) };
    }
  }
}
