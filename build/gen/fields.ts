/** How the fields of a struct appear in TypeScript: which properties they become, and where their words lie. */

import { camelCase, pascalCase } from "./names.ts";
import { isPadding, type PlacedField, type Struct } from "../tables/struct.ts";
import { fieldDocs } from "../tables/wire_docs.ts";

/** A property of a generated interface. */
export interface Property {
  readonly name: string;
  readonly type: string;
  readonly doc: string;
  /** Source of the value before anything was read. */
  readonly initial: string;
}

/** Whether a field is bytes that are left where they are: an offset constant instead of a property. */
export function isBytes(field: PlacedField): boolean {
  return field.kind === "u8" && field.count > 1;
}

/** The fields that become properties; the header's are inherited. */
export function propertyFields(struct: Struct): readonly PlacedField[] {
  return struct.fields.filter((field) => !isPadding(field) && !isBytes(field) && field.name !== "hdr");
}

/** The name of the property, or of the pair without `Low` and `High`. */
export function propertyName(field: PlacedField): string {
  return field.property ?? camelCase(field.name);
}

/** The interface of a struct. */
export function interfaceName(struct: Struct): string {
  return pascalCase(struct.name);
}

/** The properties of a struct without the header's. */
export function properties(struct: Struct): readonly Property[] {
  return propertyFields(struct).flatMap(fieldProperties);
}

function fieldProperties(field: PlacedField): Property[] {
  const name = propertyName(field);
  const doc = field.doc ?? fieldDocs[field.name];
  if (doc === undefined) {
    throw new RangeError(`Cannot document ${field.name}: build/tables/wire_docs.ts has no such row`);
  }
  if (field.kind === "id64") {
    return [
      { name: `${name}Low`, type: "number", doc: `Low half of ${doc}; any u32.`, initial: "0" },
      { name: `${name}High`, type: "number", doc: `High half of ${doc}; any u32.`, initial: "0" },
    ];
  }
  if (field.kind === "struct") return [{ name, doc, ...nestedType(field, field.struct!) }];
  if (field.count > 1) return [{ name, type: "Uint32Array", doc, initial: `new Uint32Array(${field.count})` }];
  return [{ name, type: "number", doc, initial: "0" }];
}

function nestedType(field: PlacedField, struct: Struct): Pick<Property, "type" | "initial"> {
  const type = interfaceName(struct);
  if (field.count === 1) return { type, initial: record(struct) };
  return { type: `${type}[]`, initial: `Array.from({ length: ${field.count} }, () => (${record(struct)}))` };
}

/** Source of an object with every property of `struct` at its initial value. */
export function record(struct: Struct, first: readonly string[] = []): string {
  return `{ ${[...first, ...initialMembers(struct)].join(", ")} }`;
}

/** The members of that object, each `name: value`. */
export function initialMembers(struct: Struct): readonly string[] {
  return properties(struct).map((property) => `${property.name}: ${property.initial}`);
}

/** Source of the 32-bit word `byteOffset` after `at`. */
export function wordAt(at: string, byteOffset: number): string {
  if (byteOffset % 4 !== 0) throw new RangeError(`Cannot read a word at byte ${byteOffset}: must be a multiple of 4`);
  return byteOffset === 0 ? `words[${at}]` : `words[${at} + ${byteOffset / 4}]`;
}
