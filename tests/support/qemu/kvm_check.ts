/** Where a 64-bit ELF program has its dynamic symbols and what it loads, as far as it takes to find code in the file. */
class ElfProgram {
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The address of the function or variable that the program exports by this name. */
  address(name: string): number {
    const symbols = this.#sections().find(({ type }) => type === SHT_DYNSYM)!;
    const names = this.#sections()[symbols.link]!;
    for (let at = symbols.offset; at < symbols.offset + symbols.sizeBytes; at += SYMBOL_BYTES) {
      if (this.#text(names.offset + this.#view.getUint32(at, true)) === name) return this.#number(at + 8);
    }
    throw new Error(`The program exports no ${name}`);
  }

  /** Where in the file the byte lies that is loaded at `address`. */
  fileOffset(address: number): number {
    const table = { offset: this.#number(32), entryBytes: this.#view.getUint16(54, true), count: this.#view.getUint16(56, true) };
    for (let index = 0; index < table.count; index++) {
      const at = table.offset + index * table.entryBytes;
      const [offset, start, sizeBytes] = [this.#number(at + 8), this.#number(at + 16), this.#number(at + 32)];
      const isLoaded = this.#view.getUint32(at, true) === PT_LOAD;
      if (isLoaded && start <= address && address < start + sizeBytes) return offset + address - start;
    }
    throw new Error(`The program has nothing in its file for address ${address}`);
  }
}
