import type { HostAccount } from "../../../src/device/host_account.ts";
import { VirtioGpu } from "../../../src/device/virtio_gpu.ts";
import { defaultLimits, type Limits } from "../../../src/device/limits.ts";
import { MemoryDisplay } from "../../../src/display/memory_display.ts";
import { GuestMemory, type Region } from "../../../src/memory/guest_memory.ts";
import { Arena, type Extent } from "../../../src/memory/host_heap.ts";
import { MemoryWindow } from "../../../src/memory/memory_window.ts";
import { VirtioPci } from "../../../src/transport/pci.ts";
import { CHAIN_BYTES, REGION_TABLE_BYTES } from "../../../src/wasm/layout.gen.ts";
import { ReferenceRenderer } from "../renderer/reference_renderer.ts";
import { firstDifference } from "./first_difference.ts";
import { guardOffsets, HEAP_AT, PAGE_BYTES, ramParts, WINDOW_BYTES } from "./guest_layout.ts";
import { GuardedHeap } from "./guarded_heap.ts";
import { LoggedRenderer } from "./logged_renderer.ts";

/** How one machine of a pair differs from the other. */
export interface MachineKind {
  /** Whether the memory is shared between threads. */
  readonly isShared: boolean;
  /** What unwritten host memory holds. */
  readonly poison: number;
}

const WHOLE_GUARD = new Uint8Array(PAGE_BYTES).fill(0x6d);

/** A device with guest RAM as `guest_layout.ts` draws it, on a memory with guards and poison. */
export class FuzzMachine {
  readonly memory: WebAssembly.Memory;
  readonly guest: GuestMemory;
  readonly heap: GuardedHeap;
  readonly gpu: VirtioGpu;
  /** What draws for the guest, and what it was asked. */
  readonly renderer: LoggedRenderer;
  /** Where the host visible memory begins. */
  readonly windowAddress: number;
  readonly pci: VirtioPci;
  readonly display: MemoryDisplay = new MemoryDisplay();
  /** Work that the device put off. */
  readonly deferred: (() => void)[] = [];
  readonly #fixedBlocks: ReadonlySet<number>;
  #uuids = 0;

  private constructor(memory: WebAssembly.Memory, guest: GuestMemory, heap: GuardedHeap, limits: Limits) {
    this.memory = memory;
    this.guest = guest;
    this.heap = heap;
    this.windowAddress = heap.allocate(WINDOW_BYTES);
    this.renderer = new LoggedRenderer(new ReferenceRenderer(), this.windowAddress);
    this.gpu = new VirtioGpu(guest, {
      display: this.display,
      outputs: [{ widthPixels: 640, heightPixels: 480 }, { widthPixels: 320, heightPixels: 200 }],
      resourceBlob: true,
      resourceUuid: true,
      blobAlignment: 4,
      renderer: this.renderer,
      hostVisibleMemory: new MemoryWindow(guest, this.windowAddress, WINDOW_BYTES),
      limits,
      onGuestError: () => {},
    });
    this.#fixedBlocks = new Set(heap.blocks.keys());
    this.pci = new VirtioPci(this.gpu, guest, { setInterrupt() {}, defer: (work) => this.deferred.push(work) });
  }

  /** Makes a machine of this kind whose device has these limits. */
  static async make({ isShared, poison }: MachineKind, limits: Partial<Limits>): Promise<FuzzMachine> {
    const memory = new WebAssembly.Memory({ initial: HEAP_AT / PAGE_BYTES, maximum: 4096, shared: isShared });
    for (const offset of guardOffsets) new Uint8Array(memory.buffer, offset, PAGE_BYTES).set(WHOLE_GUARD);
    const heap = new GuardedHeap(new Arena(memory, (bytes) => grow(memory, bytes)), memory, poison);
    const guest = await GuestMemory.create(memory, heap, ramParts);
    return new FuzzMachine(memory, guest, heap, { ...defaultLimits, ...limits });
  }

  /** Fills all that the device keeps between commands for no reason, so that a byte left over from there is seen. */
  poisonScratch(): void {
    const isScratch = (address: number, bytes: number) =>
      bytes === CHAIN_BYTES || (bytes !== REGION_TABLE_BYTES && this.#fixedBlocks.has(address));
    this.heap.poisonBlocks(isScratch);
  }

  /** Brings the image into guest RAM. */
  load(image: Uint8Array): void {
    for (const { offset, sizeBytes, imageOffset } of ramParts) {
      new Uint8Array(this.memory.buffer, offset, sizeBytes).set(image.subarray(imageOffset, imageOffset + sizeBytes));
    }
  }

  /** Copies guest RAM into the image. */
  store(image: Uint8Array): void {
    for (const { offset, sizeBytes, imageOffset } of ramParts) {
      image.set(new Uint8Array(this.memory.buffer, offset, sizeBytes), imageOffset);
    }
  }

  /** A UUID that no other call on this machine returns. */
  nextUuid(): ReturnType<typeof crypto.randomUUID> {
    return `5ca10000-0000-4000-8000-${(++this.#uuids).toString(16).padStart(12, "0")}`;
  }

  /** Replaces the region table. */
  setRegions(regions: readonly Region[]): void {
    this.guest.setRegions(regions);
  }

  /** Runs what the device puts off until there is nothing left; throws `Error` when there is no end to it. */
  drain(): void {
    for (let turns = 0; this.deferred.length > 0; turns++) {
      if (turns > 100_000) throw new Error("The device puts work off without an end");
      this.deferred.shift()!();
    }
  }

  /** Host memory that the device has counted for its guest, in bytes. */
  get accountedBytes(): number {
    return (this.renderer.inner.host.account as HostAccount).usedBytes;
  }

  /** The bytes of `length` at `offset` of the host visible memory. */
  windowBytes(offset: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.guest.bytes.slice(this.windowAddress + offset, this.windowAddress + offset + length));
  }

  /** The contents of all 3D resources and host blobs, by their numbers. */
  contents(): [number, Uint8Array<ArrayBuffer>][] {
    return [...this.renderer.inner.resources].map(([id, { block }]) => [
      id,
      new Uint8Array(this.guest.bytes.slice(block.address, block.address + block.sizeBytes)),
    ]);
  }

  /** Throws `Error` when a byte changed that belongs neither to the guest nor to a block of the heap. */
  checkGuards(): void {
    for (const offset of guardOffsets) {
      const guard = new Uint8Array(new Uint8Array(this.memory.buffer, offset, PAGE_BYTES));
      const at = firstDifference(guard, WHOLE_GUARD);
      if (at >= 0) throw new Error(`The byte at ${offset + at} changed, which nobody owns`);
    }
    this.heap.check();
  }
}

/** Grows by no more than is asked for, so that the memory grows often and in the middle of commands. */
function grow(memory: WebAssembly.Memory, bytes: number): Extent | undefined {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  try {
    return { address: memory.grow(pages) * PAGE_BYTES, bytes: pages * PAGE_BYTES };
  } catch {
    return undefined; // the memory's maximum
  }
}
