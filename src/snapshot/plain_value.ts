const SHOWN_CHARACTERS = 40;

/**
 * A value of a snapshot that nobody has checked yet: anything may be there. Each question gives a value that is what was
 * asked for, or throws an error that names the place: `TypeError` for a value of another kind, `RangeError` for one that is
 * not allowed.
 */
export class PlainValue {
  readonly #value: unknown;
  readonly #path: string;

  /** The value at `path`, as in `device.resources[3].id`; the path of the whole is empty. */
  constructor(value: unknown, path: string) {
    this.#value = value;
    this.#path = path;
  }

  /** The value as it came, to be checked by whoever knows what it should be. */
  get unchecked(): unknown {
    return this.#value;
  }

  /** Whether there is null, which says that something is absent. */
  get isNull(): boolean {
    return this.#value === null;
  }

  /** The field `name` of an object. */
  field(name: string): PlainValue {
    const value = this.#value;
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
    if (!isObject) throw this.#unexpected("an object", TypeError);
    const path = this.#path === "" ? name : `${this.#path}.${name}`;
    return new PlainValue((value as Record<string, unknown>)[name], path);
  }

  /** The items of an array of `least` to `most` items. */
  items(least: number, most: number): PlainValue[] {
    const value = this.#value;
    if (!Array.isArray(value)) throw this.#unexpected("an array", TypeError);
    const { length } = value;
    if (length < least || length > most) throw this.#unexpected(`an array of ${range(least, most)} items`);
    return Array.from(value, (item, index) => new PlainValue(item, `${this.#path}[${index}]`));
  }

  /** A whole number from `least` to `most`. */
  integer(least: number, most: number): number {
    const value = this.#value;
    if (typeof value !== "number") throw this.#unexpected("a number", TypeError);
    if (!Number.isInteger(value)) throw this.#unexpected("a whole number");
    if (value < least || value > most) throw this.#unexpected(range(least, most));
    return value;
  }

  /** True or false. */
  boolean(): boolean {
    const value = this.#value;
    if (typeof value !== "boolean") throw this.#unexpected("true or false", TypeError);
    return value;
  }

  /** A text that matches `pattern`, which `wanted` says in words. */
  text(pattern: RegExp, wanted: string): string {
    const value = this.#value;
    if (typeof value !== "string") throw this.#unexpected(wanted, TypeError);
    if (!pattern.test(value)) throw this.#unexpected(wanted);
    return value;
  }

  /** A Uint8Array of any length; the bytes belong to the snapshot. */
  bytes(): Uint8Array {
    const value = this.#value;
    if (!(value instanceof Uint8Array)) throw this.#unexpected("a Uint8Array", TypeError);
    return value;
  }

  /** A Uint8Array of `count` bytes. */
  bytesOf(count: number): Uint8Array {
    const value = this.bytes();
    if (value.length !== count) throw this.#unexpected(`of ${count} bytes`);
    return value;
  }

  /** An error to throw: this value cannot be, since `reason`. */
  refusal(reason: string): RangeError {
    return new RangeError(`Cannot restore: ${this.#path}: ${reason}`);
  }

  #unexpected(wanted: string, kind: typeof RangeError | typeof TypeError = RangeError): Error {
    const subject = this.#path === "" ? "the snapshot" : this.#path;
    return new kind(`Cannot restore: ${subject} must be ${wanted}, got ${describe(this.#value)}`);
  }
}

function range(least: number, most: number): string {
  return least === most ? `${least}` : `${least} to ${most}`;
}

/** A few characters that say what `value` is, however long it is. */
function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "string") return JSON.stringify(value.slice(0, SHOWN_CHARACTERS));
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `an array of ${value.length} items`;
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "function" || typeof value === "symbol" ? `a ${typeof value}` : `${value}`;
}
