import type { GuestMemory } from "../memory/guest_memory.ts";
import type { MemoryAccount } from "../memory/memory_account.ts";
import type { RendererHost } from "./renderer.ts";

/**
 * A renderer's bytes that may lie elsewhere for a while: those of a blob that a guest maps and unmaps. They are in the guest's
 * account from `allocate` to `free`, wherever they lie.
 */
export class MovableBlock {
  readonly #guest: GuestMemory;
  readonly #account: MemoryAccount;
  readonly #accountedBytes: number;
  #sizeBytes: number;
  #address: number;
  #isElsewhere = false;

  private constructor(host: RendererHost, sizeBytes: number, address: number) {
    this.#guest = host.guest;
    this.#account = host.account;
    this.#accountedBytes = sizeBytes;
    this.#sizeBytes = sizeBytes;
    this.#address = address;
  }

  /**
   * Takes `sizeBytes` zeroed bytes, 1 or more, from the device's heap; undefined, with nothing taken, when the account or the
   * heap does not allow them. The caller ends the block with `free`.
   */
  static allocate(host: RendererHost, sizeBytes: number): MovableBlock | undefined {
    if (!host.account.reserve(sizeBytes)) return undefined;
    const address = host.guest.heap.allocate(sizeBytes);
    if (address !== 0) return new MovableBlock(host, sizeBytes, address);
    host.account.release(sizeBytes);
    return undefined;
  }

  /** Length in bytes. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Where the bytes lie now: asked at each use. A multiple of 64 in the renderer's own memory; 0 once the block is free. */
  get address(): number {
    return this.#address;
  }

  /**
   * Gives up what lies behind the first `sizeBytes` bytes: an object may be longer than the blob that is made of it, and where
   * `moveTo` moves the blob there is room for the blob alone. They stay accounted for until `free`.
   */
  shorten(sizeBytes: number): void {
    this.#sizeBytes = Math.min(this.#sizeBytes, sizeBytes);
  }

  /** Moves the bytes to `address`, where there is room for them, and gives the memory of before back unless it was not ours. */
  moveTo(address: number): void {
    const before = this.#address;
    this.#copyTo(address);
    if (!this.#isElsewhere) this.#guest.heap.free(before);
    this.#isElsewhere = true;
  }

  /** Moves the bytes back into memory of the heap; false, with nothing changed, when there is no room. */
  takeBack(): boolean {
    if (!this.#isElsewhere) return true;
    const address = this.#guest.heap.allocate(this.#sizeBytes, true);
    if (address === 0) return false;
    this.#copyTo(address);
    this.#isElsewhere = false;
    return true;
  }

  /** Ends the block, wherever its bytes lie. Ending it again does nothing. */
  free(): void {
    if (this.#address === 0) return;
    if (!this.#isElsewhere) this.#guest.heap.free(this.#address);
    this.#account.release(this.#accountedBytes);
    this.#address = 0;
    this.#sizeBytes = 0;
  }

  #copyTo(address: number): void {
    this.#guest.bytes.copyWithin(address, this.#address, this.#address + this.#sizeBytes);
    this.#address = address;
  }
}
