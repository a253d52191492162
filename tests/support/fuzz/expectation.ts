import * as layout from "../../../src/wasm/layout.gen.ts";
import type { QueueBlock } from "../reference/blocks.ts";
import { popReference, walkReference } from "../reference/chain.ts";
import { type Piece, type Region, resolveReference } from "../reference/region.ts";
import type { FuzzQueue } from "./fuzz_queue.ts";
import { imageOffsetOf, type RamPart } from "./guest_layout.ts";
import type { GuestImage } from "./guest_space.ts";

/** A chain that the guest made available: its pieces as offsets in the image. */
export interface OfferedChain {
  readonly head: number;
  readonly readable: readonly Piece[];
  readonly writable: readonly Piece[];
}

/** What a device has to find in a queue. */
export interface Expectation {
  /** The chains that it has to answer. */
  readonly chains: readonly OfferedChain[];
  /** What is wrong behind them: 0, or an ERROR_ code of the kernels. */
  readonly error: number;
}

/** The parts of RAM that are there, as the reference takes them; offsets are the image's. */
export function referenceRegions(parts: readonly RamPart[]): Region[] {
  return parts.map(({ guestAddress, sizeBytes, imageOffset }) => ({
    guestAddress: BigInt(guestAddress),
    sizeBytes: BigInt(sizeBytes),
    offset: imageOffset,
  }));
}

/** Walks what `queue` holds in the image, by the reference and not by the device's kernels. */
export function expectationOf(
  image: GuestImage,
  queue: FuzzQueue,
  regions: Region[],
  hasIndirectDesc: boolean,
): Expectation {
  if (!isReachable(queue, regions)) return { chains: [], error: layout.ERROR_ADDRESS };
  const block = blockOf(queue, hasIndirectDesc);
  const chains: OfferedChain[] = [];
  while (true) {
    const { result, chain } = popReference(image.view, block, regions);
    if (chain === undefined) return { chains, error: result };
    chains.push(chain);
    block.nextAvailable = (block.nextAvailable + 1) & 0xffff;
  }
}

/** Walks the chain that begins at `head` again, for the device has taken it before; undefined when it is malformed. */
export function rewalk(
  image: GuestImage,
  queue: FuzzQueue,
  regions: Region[],
  hasIndirectDesc: boolean,
  head: number,
): OfferedChain | undefined {
  if (!isReachable(queue, regions)) return undefined;
  return walkReference(image.view, blockOf(queue, hasIndirectDesc), regions, head).chain;
}

/** Whether two chains have the same pieces. */
export function isSameChain(a: OfferedChain, b: OfferedChain): boolean {
  return a.head === b.head && isSameList(a.readable, b.readable) && isSameList(a.writable, b.writable);
}

/** Whether two expectations are the same: if not, the device's own replies changed what it was to find. */
export function isSameExpectation(a: Expectation, b: Expectation): boolean {
  return a.error === b.error && a.chains.length === b.chains.length &&
    a.chains.every((chain, index) => isSameChain(chain, b.chains[index]!));
}

/** Bytes of a list of pieces. */
export function bytesOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

/** The first `length` bytes of the pieces, or as many as they have. */
export function gather(bytes: Uint8Array, pieces: readonly Piece[], length: number): Uint8Array {
  const out = new Uint8Array(Math.min(length, bytesOf(pieces)));
  let done = 0;
  for (const piece of pieces) {
    const part = bytes.subarray(piece.offset, piece.offset + Math.min(piece.length, out.length - done));
    out.set(part, done);
    done += part.length;
  }
  return out;
}

function blockOf(queue: FuzzQueue, hasIndirectDesc: boolean): QueueBlock {
  return {
    descriptorOffset: imageOffsetOf(queue.descriptors),
    availableOffset: imageOffsetOf(queue.available),
    usedOffset: imageOffsetOf(queue.used),
    size: queue.size,
    nextAvailable: queue.taken,
    nextUsed: queue.done,
    flags: hasIndirectDesc ? layout.QUEUE_FLAG_INDIRECT_DESC : 0,
    regions: 0,
    signalledUsed: 0,
  };
}

function isReachable(queue: FuzzQueue, regions: Region[]): boolean {
  const { descriptors, available, availableBytes, used, usedBytes, size } = queue;
  const ranges = [[descriptors, size * 16], [available, availableBytes], [used, usedBytes]] as const;
  return ranges.every(([address, bytes]) => resolveReference(regions, BigInt(address), bytes) >= 0);
}

function isSameList(a: readonly Piece[], b: readonly Piece[]): boolean {
  return a.length === b.length &&
    a.every((piece, index) => piece.offset === b[index]!.offset && piece.length === b[index]!.length);
}
