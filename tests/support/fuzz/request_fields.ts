import { commands } from "../../../build/tables/wire.ts";
import type { Struct } from "../../../build/tables/struct.ts";

/** Where the fields of each command lie, by its number: "ctx_id" of the header, "r.x" of a rectangle. */
const PLACES = new Map(commands.map(({ type, request }) => [type, placesOf(request)]));

/** A request as a guest has sent it, read by the wire table and by nothing of the device. */
export class RequestFields {
  /** All of its bytes. */
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #places: ReadonlyMap<string, number>;

  /** Reads `bytes`, which may be fewer than its command has: the rest is zero. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    const whole = new Uint8Array(Math.max(bytes.length, LARGEST_BYTES));
    whole.set(bytes);
    this.#view = new DataView(whole.buffer);
    this.#places = PLACES.get(this.type) ?? PLACES.get(HEADER_ALONE)!;
  }

  /** The command's number. */
  get type(): number {
    return this.#view.getUint32(0, true);
  }

  /** A byte of the header or the command. */
  u8(name: string): number {
    return this.#view.getUint8(this.#place(name));
  }

  /** A field of four bytes. */
  u32(name: string): number {
    return this.#view.getUint32(this.#place(name), true);
  }

  /** A field of eight bytes, as the device takes sizes and offsets: 2^53 stands for all that is as large. */
  u64(name: string): number {
    const value = this.#view.getBigUint64(this.#place(name), true);
    return value > 2n ** 53n ? 2 ** 53 : Number(value);
  }

  /** The upper word of a field of eight bytes. */
  upperWord(name: string): number {
    return this.#view.getUint32(this.#place(name) + 4, true);
  }

  /** Bytes from where `name` begins. */
  bytesAt(name: string, length: number): Uint8Array {
    const at = this.#place(name);
    return new Uint8Array(this.#view.buffer).slice(at, at + length);
  }

  #place(name: string): number {
    const place = this.#places.get(name);
    if (place === undefined) throw new Error(`Command 0x${this.type.toString(16)} has no field ${name}`);
    return place;
  }
}

const HEADER_ALONE = commands.find(({ name }) => name === "GET_DISPLAY_INFO")!.type;
const LARGEST_BYTES = Math.max(...commands.map(({ request }) => request.sizeBytes));

function placesOf(struct: Struct, prefix = "", begin = 0): Map<string, number> {
  const places = new Map<string, number>();
  for (const { name, kind, struct: inner, offset } of struct.fields) {
    const innerPrefix = name === "hdr" ? "" : `${prefix}${name}.`;
    const isHeaderField = prefix === "" && places.has(name); // the command's own name for `flags` is not needed
    if (kind === "struct") placesOf(inner!, innerPrefix, begin + offset).forEach((at, key) => places.set(key, at));
    else places.set(isHeaderField ? `${name}_of_command` : `${prefix}${name}`, begin + offset);
  }
  return places;
}
