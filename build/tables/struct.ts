/**
 * The row types of the tables: fields and structs of a little-endian format, and groups of named numbers.
 *
 * A struct lists its fields in order, with every padding spelled out, so an offset is the sum of the sizes before it.
 * The sums are compared with the C compiler's by `build/wire_header.ts`.
 */

/**
 * How a field is stored and read.
 * - `u8`, `u16`, `u32`: an unsigned number.
 * - `i32`: a le32 that is read as signed.
 * - `u64`: a le64 size, offset or address: one number that saturates at 2^53.
 * - `id64`: a le64 that is compared for equality: two u32, `…Low` and `…High`, exact.
 * - `struct`: another struct, in place.
 */
export type FieldKind = "u8" | "u16" | "u32" | "i32" | "u64" | "id64" | "struct";

/** One field of a struct, as a table states it. */
export interface Field {
  /** The specification's name; fields whose name begins with `padding` are written as zero and never read. */
  readonly name: string;
  readonly kind: FieldKind;
  /** Elements; 1 for a field that is not an array. */
  readonly count: number;
  /** What the field holds, with its unit; a sentence for the generated docstring. */
  readonly doc?: string;
  /** The nested struct of kind `struct`. */
  readonly struct?: Struct;
  /** The property's name in TypeScript where the specification's is too short to read. */
  readonly property?: string;
  /** The field's name in the C header where that is not the specification's. */
  readonly cName?: string;
}

/** A field with its place. */
export interface PlacedField extends Field {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** A struct with every offset and its size in bytes. */
export interface Struct {
  /** The name in the tables, in snake_case, without the C prefix. */
  readonly name: string;
  /** The name in the C header. */
  readonly cName: string;
  /** The specification's clause, as `Virtio 1.4, 5.7.6.8`. */
  readonly clause: string;
  readonly doc: string;
  readonly fields: readonly PlacedField[];
  readonly sizeBytes: number;
  /** The name of what follows the struct in the same buffer, where something does. */
  readonly trailing?: string;
}

/** One named number of a group. */
export interface Member {
  /** The specification's name without the group's prefix, in SCREAMING_SNAKE_CASE. */
  readonly name: string;
  readonly value: number;
  readonly doc?: string;
  /** The C name where it is not the group's prefix and the name; `null` where the header has none. */
  readonly cName?: string | null;
}

/** A group of named numbers: an enumeration, the bits of a mask or the registers of a block. */
export interface Group {
  /** The name of the generated object and type, in PascalCase. */
  readonly name: string;
  readonly doc: string;
  readonly clause: string;
  /** What the C header writes before each member's name. */
  readonly cPrefix: string;
  readonly members: readonly Member[];
}

/** One number that belongs to no group. */
export interface Constant {
  readonly name: string;
  readonly value: number;
  /** The C name; undefined where the headers have none. */
  readonly cName: string | undefined;
  readonly clause: string;
  readonly doc: string;
}

const elementBytes = { u8: 1, u16: 2, u32: 4, i32: 4, u64: 8, id64: 8 };

type Description = Omit<Struct, "fields" | "sizeBytes">;

/** Places `fields` one after the other. Throws where a field would not be aligned to its own size. */
export function struct(description: Description, fields: readonly Field[]): Struct {
  let offset = 0;
  const placed = fields.map((field) => {
    const bytes = field.kind === "struct" ? field.struct!.sizeBytes : elementBytes[field.kind];
    const alignment = Math.min(bytes, 8);
    if (field.kind !== "struct" && offset % alignment !== 0) {
      throw new RangeError(
        `Cannot place ${description.name}.${field.name}: offset must be a multiple of ${alignment}, got ${offset}`,
      );
    }
    const place = { ...field, offset, sizeBytes: bytes * field.count };
    offset += place.sizeBytes;
    return place;
  });
  return { ...description, fields: placed, sizeBytes: offset };
}

/** What a field may say besides its name and kind. */
export type FieldOptions = Pick<Field, "doc" | "property" | "cName">;

function scalar(kind: FieldKind): (name: string, options?: FieldOptions) => Field {
  return (name, options = {}) => ({ name, kind, count: 1, ...options });
}

/** A byte. */
export const u8 = scalar("u8");
/** A le16. */
export const u16 = scalar("u16");
/** A le32. */
export const u32 = scalar("u32");
/** A le32 that is read as signed. */
export const i32 = scalar("i32");
/** A le64 size, offset or address. */
export const u64 = scalar("u64");
/** A le64 identifier. */
export const id64 = scalar("id64");

/** `count` bytes that readers leave where they are. */
export function bytes(name: string, count: number): Field {
  return { name, kind: "u8", count };
}

/** `count` le32. */
export function words(name: string, count: number): Field {
  return { name, kind: "u32", count };
}

/** A nested struct, or `count` of them. */
export function nested(name: string, inner: Struct, options: FieldOptions = {}, count = 1): Field {
  return { name, kind: "struct", count, struct: inner, ...options };
}

/** The field offset of `name` in `struct`. Throws where there is none. */
export function offsetOf(struct: Struct, name: string): number {
  const field = struct.fields.find((candidate) => candidate.name === name);
  if (field === undefined) throw new RangeError(`Cannot find field: ${struct.name} has no ${name}`);
  return field.offset;
}

/** Whether the field only fills space: written as zero, never read. */
export function isPadding(field: Field): boolean {
  return field.name.startsWith("padding");
}
