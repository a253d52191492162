import { cString, LIBC_PATHS } from "../../src/hosts/deno/libc.ts";

const SYMBOLS = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  munmap: { parameters: ["usize", "usize"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Calls of the C library that tests alone need. */
export class MoreLibc {
  readonly #library = Deno.dlopen(LIBC_PATHS.find(isThere)!, SYMBOLS);

  /** Opens a file; `flags` are 0 to read and 2 to read and write it. The caller owns the descriptor. */
  openFile(path: string, flags: 0 | 2): number {
    return this.#library.symbols.open(cString(path), flags);
  }

  /** Takes away a mapping of this process. */
  unmap(address: bigint, bytes: number): void {
    this.#library.symbols.munmap(address, BigInt(bytes));
  }

  /** Closes the library: nobody may call it any more. */
  close(): void {
    this.#library.close();
  }
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
