/** One register of a device: where it lies, how wide it is, and what reading and writing it does. */
export interface Register {
  /** Offset of its first byte in the block. */
  readonly offset: number;
  /** Width in bytes: 1, 2 or 4. */
  readonly bytes: number;
  /** Its value now, an unsigned number. */
  read(): number;
  /** Takes a whole value, an unsigned number; a register that cannot be written ignores it. */
  write(value: number): void;
}

/**
 * A block of registers that may be accessed by any number of bytes at any offset: an access of a part of a register reads
 * or changes that part, one over several registers reaches each, and where no register is it reads 0 and writes nothing.
 */
export class RegisterBlock {
  readonly #byOffset: (Register | undefined)[];

  /** A block of `bytes` bytes with these registers, which do not overlap. */
  constructor(bytes: number, registers: readonly Register[]) {
    this.#byOffset = new Array<Register | undefined>(bytes).fill(undefined);
    for (const register of registers) {
      this.#byOffset.fill(register, register.offset, register.offset + register.bytes);
    }
  }

  /** Reads `bytes` (1, 2 or 4) at `offset`, least significant byte first; each register that is touched is read once. */
  read(offset: number, bytes: number): number {
    let value = 0;
    for (let done = 0; done < bytes;) {
      const register = this.#byOffset[offset + done];
      if (register === undefined) {
        done++;
        continue;
      }
      const skipped = offset + done - register.offset;
      const taken = Math.min(register.bytes - skipped, bytes - done);
      value |= ((register.read() >>> (skipped * 8)) & mask(taken)) << (done * 8);
      done += taken;
    }
    return value >>> 0;
  }

  /** Writes `bytes` (1, 2 or 4) of `value` at `offset`, least significant byte first. */
  write(offset: number, bytes: number, value: number): void {
    for (let done = 0; done < bytes;) {
      const register = this.#byOffset[offset + done];
      if (register === undefined) {
        done++;
        continue;
      }
      const skipped = offset + done - register.offset;
      const taken = Math.min(register.bytes - skipped, bytes - done);
      const part = ((value >>> (done * 8)) & mask(taken)) << (skipped * 8);
      const isWhole = taken === register.bytes;
      const kept = isWhole ? 0 : register.read() & ~(mask(taken) << (skipped * 8));
      register.write((kept | part) >>> 0);
      done += taken;
    }
  }
}

/** The lowest `bytes` bytes of a 32-bit number. */
function mask(bytes: number): number {
  return bytes === 4 ? -1 : (1 << (bytes * 8)) - 1;
}
