import type { V86, V86Options } from "v86";
import type { V86Cpu } from "../../src/hosts/v86_members.ts";
import { cpuOf, guestRam, loadEmulator } from "./guest_emulator.ts";

/** Bytes that one IN or OUT instruction moves. */
export type Width = 1 | 2 | 4;

const ROM_BYTES = 0x10000;
const RESET_VECTOR = 0xfff0;
/** Where the ROM is, and where in it the table of segments is: none, and one of all 4 GiB of data. */
const ROM_ADDRESS = 0xf0000;
const SEGMENTS_AT = 0xffc0;
const SEGMENTS = [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0x00, 0x00, 0x00, 0x92, 0xcf, 0x00];
const DATA_SEGMENT = 8;
const JUMP_TO_ROM_START = [0xea, 0x00, 0x00, 0x00, 0xf0];
/** Guest address of the first result; each takes 4 bytes. */
const RESULTS_AT = 0x1000;
/** A write to this port says that the program has ended. */
const END_PORT = 0xf4;

/** The two ports of PCI configuration. PCI Local Bus 3.0, 3.2.2.3.2. */
const CONFIG_ADDRESS = 0xcf8;
const CONFIG_DATA = 0xcfc;
const CONFIG_ENABLE = 0x80000000;

const OPERAND_32_BITS = 0x66;
const MOV_DX = 0xba;
const MOV_SP = 0xbc;
const CALL_FAR = 0x9a;
const MOV_EAX = [OPERAND_32_BITS, 0xb8];
const STORE_EAX = [OPERAND_32_BITS, 0xa3];
const OUT: Record<Width, number[]> = { 1: [0xee], 2: [0xef], 4: [OPERAND_32_BITS, 0xef] };
const IN: Record<Width, number[]> = { 1: [0xec], 2: [0xed], 4: [OPERAND_32_BITS, 0xed] };
const LOOP_FOREVER = [0xeb, 0xfe];
const MOV_EDI = [OPERAND_32_BITS, 0xbf];
/** The accumulator from, and to, ES:[EDI]. */
const LOAD: Record<Width, number[]> = {
  1: [0x26, 0x67, 0x8a, 0x07],
  2: [0x26, 0x67, 0x8b, 0x07],
  4: [0x26, 0x67, OPERAND_32_BITS, 0x8b, 0x07],
};
const STORE: Record<Width, number[]> = {
  1: [0x26, 0x67, 0x88, 0x07],
  2: [0x26, 0x67, 0x89, 0x07],
  4: [0x26, 0x67, OPERAND_32_BITS, 0x89, 0x07],
};
/** Lets ES reach all addresses: it is loaded in protected mode and keeps its limit in real mode. */
const OPEN_ES = [
  ...[0x2e, 0x0f, 0x01, 0x16, SEGMENTS_AT + SEGMENTS.length & 0xff, SEGMENTS_AT >> 8], // LGDT
  ...[0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0], // CR0 |= 1
  ...[0xbb, DATA_SEGMENT, 0x00, 0x8e, 0xc3], // ES = 8
  ...[0x24, 0xfe, 0x0f, 0x22, 0xc0], // CR0 &= ~1
];

/**
 * A program for a PC that has just been reset, as machine code in a ROM. It accesses ports and memory, one after another, and
 * calls functions in RAM; what each access reads, and each call leaves in EAX, is a result.
 */
export class RomProgram {
  readonly #code: number[] = [];
  #results = 0;

  /** Writes `value` to `port`. */
  out(width: Width, port: number, value: number): this {
    this.#code.push(MOV_DX, ...littleEndian(port, 2), ...MOV_EAX, ...littleEndian(value, 4), ...OUT[width]);
    return this;
  }

  /** Reads `port`; the value, with zeros above, is the next result. */
  in(width: Width, port: number): this {
    this.#code.push(MOV_DX, ...littleEndian(port, 2), ...MOV_EAX, ...littleEndian(0, 4), ...IN[width]);
    return this.#store();
  }

  /** Reads the 4 bytes at `offset` of a function's PCI configuration space; they are the next result. */
  readConfig(pciId: number, offset: number): this {
    return this.out(4, CONFIG_ADDRESS, CONFIG_ENABLE | pciId << 8 | offset).in(4, CONFIG_DATA);
  }

  /** Writes 4 bytes at `offset` of a function's PCI configuration space. */
  writeConfig(pciId: number, offset: number, value: number): this {
    return this.out(4, CONFIG_ADDRESS, CONFIG_ENABLE | pciId << 8 | offset).out(4, CONFIG_DATA, value);
  }

  /** Reads the memory at `address`, any of the 2^32; the value, with zeros above, is the next result. */
  load(width: Width, address: number): this {
    this.#code.push(...OPEN_ES, ...MOV_EDI, ...littleEndian(address, 4), ...MOV_EAX, ...littleEndian(0, 4));
    this.#code.push(...LOAD[width]);
    return this.#store();
  }

  /** Writes `value` to the memory at `address`. */
  store(width: Width, address: number, value: number): this {
    this.#code.push(...OPEN_ES, ...MOV_EDI, ...littleEndian(address, 4), ...MOV_EAX, ...littleEndian(value, 4));
    this.#code.push(...STORE[width]);
    return this;
  }

  /** Calls what is at `address` in RAM, below 64 KiB, which returns by RETF; the next result is what it left in EAX. */
  call(address: number): this {
    this.#code.push(MOV_SP, ...littleEndian(RESULTS_AT, 2), CALL_FAR, ...littleEndian(address, 2), 0x00, 0x00);
    return this.#store();
  }

  /** The number of results. */
  get results(): number {
    return this.#results;
  }

  /** The ROM, which ends by telling `END_PORT`. */
  image(): ArrayBuffer {
    const rom = new Uint8Array(ROM_BYTES);
    const end = new RomProgram().out(1, END_PORT, 0);
    rom.set([...this.#code, ...end.#code, ...LOOP_FOREVER]);
    rom.set(SEGMENTS, SEGMENTS_AT);
    const limitAndAddress = [SEGMENTS.length - 1, 0, ...littleEndian(ROM_ADDRESS + SEGMENTS_AT, 4)];
    rom.set(limitAndAddress, SEGMENTS_AT + SEGMENTS.length);
    rom.set(JUMP_TO_ROM_START, RESET_VECTOR);
    return rom.buffer;
  }

  #store(): this {
    this.#code.push(...STORE_EAX, ...littleEndian(RESULTS_AT + 4 * this.#results++, 2));
    return this;
  }
}

/** A PC with a program in its ROM. `close` it when done. */
export class RomMachine {
  readonly emulator: V86;
  readonly cpu: V86Cpu;
  readonly #program: RomProgram;
  #onEnd: () => void = () => {};

  private constructor(emulator: V86, program: RomProgram) {
    this.emulator = emulator;
    this.cpu = cpuOf(emulator);
    this.#program = program;
    const ignore = () => {};
    this.cpu.io.register_write(END_PORT, this, () => this.#onEnd(), ignore, ignore);
  }

  /** Makes the PC, with 16 MiB of RAM unless `options` says otherwise; it does not run yet. */
  static async load(program: RomProgram, options: V86Options = {}): Promise<RomMachine> {
    const emulator = await loadEmulator({ memory_size: 16 << 20, ...options, bios: { buffer: program.image() } });
    return new RomMachine(emulator, program);
  }

  /** Runs the program, by a reset when it has run before, and returns its results as unsigned numbers. */
  async run(): Promise<number[]> {
    const ended = new Promise<void>((resolve) => this.#onEnd = resolve);
    if (this.emulator.is_running()) this.emulator.restart();
    else await this.emulator.run();
    await ended;
    const ram = guestRam(this.cpu);
    return Array.from(new Uint32Array(ram.buffer, ram.byteOffset + RESULTS_AT, this.#program.results));
  }

  /** Ends the emulator. */
  close(): Promise<void> {
    return this.emulator.destroy();
  }
}

function littleEndian(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, index) => value >>> (8 * index) & 0xff);
}
