/**
 * A snapshot as a file. Numbers are little endian.
 *
 *   0   "SCANOUT" and a 0     8 bytes
 *   8   version               u32
 *   12  length of the header  u32
 *   16  header                the snapshot as JSON in UTF-8, with {"$bytes": n} where n bytes belong
 *       bytes                 those bytes, one after the other in the header's order, to the end of the file
 */
const MAGIC = new TextEncoder().encode("SCANOUT\0");
const VERSION = 1;
const VERSION_AT = 8;
const HEADER_BYTES_AT = 12;
const HEADER_AT = 16;
const BYTES_KEY = "$bytes";
/** Objects and arrays inside each other; a snapshot has fewer than ten. */
const MAX_DEPTH = 32;

/**
 * Makes a file of a snapshot, or of any plain data: numbers, booleans, texts, null, `Uint8Array`s, arrays and objects. The
 * result is the caller's. Throws `TypeError` for anything else and `RangeError` for a number that is not finite.
 */
export function encodeSnapshot(snapshot: unknown): Uint8Array<ArrayBuffer> {
  const sections: Uint8Array[] = [];
  const header = new TextEncoder().encode(JSON.stringify(withoutBytes(snapshot, sections, 0)));
  const sectionBytes = sections.reduce((sum, { length }) => sum + length, 0);
  const file = new Uint8Array(HEADER_AT + header.length + sectionBytes);
  const view = new DataView(file.buffer);
  file.set(MAGIC);
  view.setUint32(VERSION_AT, VERSION, true);
  view.setUint32(HEADER_BYTES_AT, header.length, true);
  file.set(header, HEADER_AT);
  let at = HEADER_AT + header.length;
  for (const section of sections) {
    file.set(section, at);
    at += section.length;
  }
  return file;
}

/**
 * Reads a file that `encodeSnapshot` made. The bytes in the result are views of `file`, nothing is copied. Whether it is a
 * snapshot is found out by restoring it. Throws `RangeError` when the file is damaged, cut off or of another version.
 */
export function decodeSnapshot(file: Uint8Array): unknown {
  if (file.length < HEADER_AT) damaged(`it must have at least ${HEADER_AT} bytes, got ${file.length}`);
  if (MAGIC.some((byte, index) => file[index] !== byte)) damaged("it does not begin with SCANOUT");
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const version = view.getUint32(VERSION_AT, true);
  if (version !== VERSION) damaged(`its version must be ${VERSION}, got ${version}`);
  const headerBytes = view.getUint32(HEADER_BYTES_AT, true);
  const bytesAt = HEADER_AT + headerBytes;
  if (bytesAt > file.length) damaged(`its header of ${headerBytes} bytes is cut off`);
  const sections = new Sections(file.subarray(bytesAt));
  const snapshot = withBytes(parseHeader(file.subarray(HEADER_AT, bytesAt)), sections, 0);
  if (sections.bytesLeft > 0) damaged(`${sections.bytesLeft} bytes at its end belong to nothing`);
  return snapshot;
}

/** The bytes behind the header, handed out in turn. */
class Sections {
  #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get bytesLeft(): number {
    return this.#bytes.length;
  }

  take(count: unknown): Uint8Array {
    const isCount = typeof count === "number" && Number.isInteger(count) && count >= 0;
    if (!isCount) damaged(`its header does not say how many bytes belong to a place`);
    if (count > this.#bytes.length) damaged(`${count} of its bytes are cut off`);
    const taken = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return taken;
  }
}

function parseHeader(header: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(header));
  } catch (cause) {
    damaged("its header is not JSON", cause);
  }
}

/** A copy of `value` that JSON can hold; its bytes go to `sections`. */
function withoutBytes(value: unknown, sections: Uint8Array[], depth: number): unknown {
  if (value instanceof Uint8Array) {
    sections.push(value);
    return { [BYTES_KEY]: value.length };
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new RangeError(`Cannot encode a snapshot: numbers must be finite, got ${value}`);
  }
  if (value === null || ["number", "boolean", "string"].includes(typeof value)) return value;
  if (typeof value !== "object" || ArrayBuffer.isView(value) || BYTES_KEY in value) {
    throw new TypeError(
      `Cannot encode a snapshot: it must be plain data, got ${Object.prototype.toString.call(value)}`,
    );
  }
  if (depth === MAX_DEPTH) throw new RangeError(`Cannot encode a snapshot: it is more than ${MAX_DEPTH} levels deep`);
  return mapItems(value, (item) => withoutBytes(item, sections, depth + 1));
}

/** The other way round: a copy of what JSON held, with its bytes from `sections`. */
function withBytes(value: unknown, sections: Sections, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Object.hasOwn(value, BYTES_KEY)) return sections.take((value as Record<string, unknown>)[BYTES_KEY]);
  if (depth === MAX_DEPTH) damaged(`its header is more than ${MAX_DEPTH} levels deep`);
  return mapItems(value, (item) => withBytes(item, sections, depth + 1));
}

/** Copies an array or an object with each item mapped. `fromEntries` makes a field of any name, `__proto__` too. */
function mapItems(value: object, map: (item: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(map);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, map(item)]));
}

function damaged(reason: string, cause?: unknown): never {
  throw new RangeError(`Cannot decode a snapshot: ${reason}`, { cause });
}
