import type { Kernels } from "../wasm/kernels.ts";
import { instantiateKernels } from "../wasm/kernels.ts";
import {
  MAX_REGIONS,
  REGION_COUNT,
  REGION_ENTRIES,
  REGION_ENTRY_BYTES,
  REGION_TABLE_BYTES,
} from "../wasm/layout.gen.ts";
import type { HostHeap } from "./host_heap.ts";

/** A range of guest-physical addresses and where its bytes lie. */
export interface Region {
  /** First guest-physical address; below 2^53. */
  guestAddress: number;
  /** Length in bytes, 1 or more. */
  sizeBytes: number;
  /** Offset of the first byte in the memory. */
  offset: number;
}

/** Most guest addresses that a number holds exactly; larger ones are in no region. */
const MAX_ADDRESS = 2 ** 53;

/**
 * The one memory of a device: a WebAssembly.Memory that holds guest RAM and the host's own blocks, and the table that
 * says where each guest address lies in it. It alone turns guest addresses into offsets.
 */
export class GuestMemory {
  /** The kernels, bound to this memory. */
  readonly kernels: Kernels;
  /** Blocks of the host's own in the same memory. */
  readonly heap: HostHeap;
  /** Address of the region table, for kernels that resolve guest addresses. */
  readonly regionTable: number;
  /**
   * Told of every range that was written for the guest, in guest memory or in a host visible memory, by offset and length,
   * once it is written. For hosts that must know, as an emulator that has compiled code from it.
   */
  onWrite: ((offset: number, bytes: number) => void) | undefined;
  readonly #memory: WebAssembly.Memory;
  readonly #isShared: boolean;
  #regions: readonly Region[] = [];
  #generation = 0;
  #buffer: ArrayBufferLike;
  #bytes: Uint8Array;
  #words: Uint32Array;

  /** Wraps `memory`, whose kernels and heap must be its own. Throws `RangeError` when the heap has no room for the table. */
  constructor(memory: WebAssembly.Memory, kernels: Kernels, heap: HostHeap) {
    this.#memory = memory;
    this.#isShared = !(memory.buffer instanceof ArrayBuffer);
    this.kernels = kernels;
    this.heap = heap;
    this.regionTable = heap.allocate(REGION_TABLE_BYTES);
    if (this.regionTable === 0) throw new RangeError("Cannot make a guest memory: its heap has no room");
    this.#buffer = memory.buffer;
    this.#bytes = new Uint8Array(this.#buffer);
    this.#words = new Uint32Array(this.#buffer);
  }

  /** Instantiates the kernels on `memory` and sets its first regions. */
  static async create(memory: WebAssembly.Memory, heap: HostHeap, regions: readonly Region[]): Promise<GuestMemory> {
    const guest = new GuestMemory(memory, await instantiateKernels(memory), heap);
    guest.setRegions(regions);
    return guest;
  }

  /** The whole memory as bytes. Valid until the memory grows: ask anew rather than keep it. */
  get bytes(): Uint8Array {
    if (this.#isStale()) this.#renewViews();
    return this.#bytes;
  }

  /** The whole memory as little-endian words; the same promise as `bytes`. */
  get words(): Uint32Array {
    if (this.#isStale()) this.#renewViews();
    return this.#words;
  }

  /** The regions now in force, by ascending guest address. */
  get regions(): readonly Region[] {
    return this.#regions;
  }

  /** Counts the changes of the region table: an offset that was resolved under another generation is void. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * Replaces the region table; every offset resolved before is void. Regions may come in any order and may touch, but
   * not overlap. Throws `RangeError`, and changes nothing, when one lies outside the memory or overlaps another.
   */
  setRegions(regions: readonly Region[]): void {
    const sorted = regions.map((region) => ({ ...region })).sort((a, b) => a.guestAddress - b.guestAddress);
    checkRegions(sorted, this.#memory.buffer.byteLength);
    this.#regions = sorted;
    this.#generation++;
    const words = this.words;
    words[(this.regionTable + REGION_COUNT) >>> 2] = sorted.length;
    sorted.forEach((region, index) => {
      const at = (this.regionTable + REGION_ENTRIES + index * REGION_ENTRY_BYTES) >>> 2;
      words[at] = region.guestAddress;
      words[at + 1] = Math.floor(region.guestAddress / 2 ** 32);
      words[at + 2] = region.sizeBytes;
      words[at + 3] = Math.floor(region.sizeBytes / 2 ** 32);
      words[at + 4] = region.offset;
    });
  }

  /**
   * Returns the offset of `length` guest bytes from `guestAddress` on, or -1 when they do not lie in one region, wrap,
   * or are none. Good until the command ends or the generation changes.
   */
  resolve(guestAddress: number, length: number): number {
    if (guestAddress >= MAX_ADDRESS || length > 0xffffffff) return -1;
    return this.kernels.resolve(this.regionTable, guestAddress >>> 0, Math.floor(guestAddress / 2 ** 32), length);
  }

  /**
   * Whether the memory has grown since the views were made. Growth detaches the views of an unshared memory, which their
   * length shows in 1 ns; to ask the memory for its buffer takes 8, and every command asks several times.
   */
  #isStale(): boolean {
    return this.#isShared ? this.#buffer !== this.#memory.buffer : this.#words.length === 0;
  }

  #renewViews(): void {
    this.#buffer = this.#memory.buffer;
    this.#bytes = new Uint8Array(this.#buffer);
    this.#words = new Uint32Array(this.#buffer);
  }
}

function checkRegions(sorted: readonly Region[], memoryBytes: number): void {
  if (sorted.length > MAX_REGIONS) {
    throw new RangeError(`Cannot set the regions: at most ${MAX_REGIONS}, got ${sorted.length}`);
  }
  let end = 0;
  for (const { guestAddress, sizeBytes, offset } of sorted) {
    const name = `the region at guest address ${guestAddress}`;
    if (![guestAddress, sizeBytes, offset].every(Number.isSafeInteger) || sizeBytes <= 0) {
      throw new RangeError(
        `Cannot set ${name}: address, size and offset must be whole numbers, got ${sizeBytes} bytes`,
      );
    }
    if (guestAddress < end) throw new RangeError(`Cannot set ${name}: it must begin at ${end} or later`);
    if (guestAddress + sizeBytes > MAX_ADDRESS) throw new RangeError(`Cannot set ${name}: it ends past 2^53`);
    if (offset < 0 || offset + sizeBytes > memoryBytes) {
      throw new RangeError(`Cannot set ${name}: offset + size must be <= ${memoryBytes}, got ${offset + sizeBytes}`);
    }
    end = guestAddress + sizeBytes;
  }
}
