/** What queuePop promises, with objects. */

import * as layout from "../../../src/wasm/layout.gen.ts";
import type { QueueBlock } from "./blocks.ts";
import { mergeOffsets, type Piece, piecesOf, type Region, resolveReference } from "./region.ts";

const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;

/** A descriptor as it lies in a table. */
export interface Descriptor {
  address: bigint;
  length: number;
  flags: number;
  next: number;
}

/** What queuePop returns, and the chain when there is one. */
export interface PopOutcome {
  result: number;
  chain?: { head: number; readable: Piece[]; writable: Piece[] };
}

/** Reads the next available chain without changing anything. */
export function popReference(view: DataView, queue: QueueBlock, regions: Region[]): PopOutcome {
  const availableIndex = view.getUint16(queue.availableOffset + 2, true);
  const pending = (availableIndex - queue.nextAvailable) & 0xffff;
  if (pending === 0) return { result: layout.CHAIN_NONE };
  if (pending > queue.size) return { result: layout.ERROR_INDEX_JUMP };
  const head = view.getUint16(queue.availableOffset + 4 + (queue.nextAvailable % queue.size) * 2, true);
  return walkReference(view, queue, regions, head);
}

/** Walks the chain that begins at `head`. */
export function walkReference(view: DataView, queue: QueueBlock, regions: Region[], head: number): PopOutcome {
  if (head >= queue.size) return { result: layout.ERROR_HEAD_RANGE };
  const readable: Piece[] = [];
  const writable: Piece[] = [];
  const direct = walk(view, queue.descriptorOffset, queue.size, head);
  for (const step of direct) {
    if (typeof step === "number") return { result: step };
    if (!(step.flags & INDIRECT)) {
      const error = addDescriptor(step, regions, readable, writable);
      if (error !== 0) return { result: error };
      continue;
    }
    if (!(queue.flags & layout.QUEUE_FLAG_INDIRECT_DESC)) return { result: layout.ERROR_INDIRECT_NOT_NEGOTIATED };
    if (step.flags & NEXT) return { result: layout.ERROR_INDIRECT_AND_NEXT };
    const entries = step.length / 16;
    if (!Number.isInteger(entries) || entries < 1 || entries > 1024) return { result: layout.ERROR_INDIRECT_SIZE };
    const table = resolveReference(regions, step.address, step.length);
    if (table === -1) return { result: layout.ERROR_ADDRESS };
    for (const inner of walk(view, table, entries, 0)) {
      if (typeof inner === "number") return { result: inner };
      if (inner.flags & INDIRECT) return { result: layout.ERROR_INDIRECT_NESTED };
      const error = addDescriptor(inner, regions, readable, writable);
      if (error !== 0) return { result: error };
    }
  }
  const chain = { head, readable: mergeOffsets(readable), writable: mergeOffsets(writable) };
  return { result: layout.CHAIN_POPPED, chain };
}

/** Yields the descriptors that hang together in one table, and an error where they go astray. */
function* walk(view: DataView, table: number, tableSize: number, head: number): Generator<Descriptor | number> {
  let index = head;
  for (let count = 0; count < tableSize; count++) {
    const descriptor = readDescriptor(view, table + index * 16);
    yield descriptor;
    if (!(descriptor.flags & NEXT)) return;
    index = descriptor.next;
    if (index >= tableSize) {
      yield layout.ERROR_NEXT_RANGE;
      return;
    }
  }
  yield layout.ERROR_CHAIN_TOO_LONG;
}

function addDescriptor(descriptor: Descriptor, regions: Region[], readable: Piece[], writable: Piece[]): number {
  if (descriptor.length === 0) return layout.ERROR_ZERO_LENGTH;
  const isWritable = (descriptor.flags & WRITE) !== 0;
  if (!isWritable && writable.length > 0) return layout.ERROR_WRITABLE_BEFORE_READABLE;
  const pieces = piecesOf(regions, descriptor.address, descriptor.length);
  if (pieces === undefined) return layout.ERROR_ADDRESS;
  const list = isWritable ? writable : readable;
  list.push(...pieces);
  const total = list.reduce((sum, piece) => sum + piece.length, 0);
  return total >= 2 ** 32 ? layout.ERROR_TOTAL_BYTES : 0;
}

function readDescriptor(view: DataView, at: number): Descriptor {
  return {
    address: view.getBigUint64(at, true),
    length: view.getUint32(at + 8, true),
    flags: view.getUint16(at + 12, true),
    next: view.getUint16(at + 14, true),
  };
}

/** Writes a descriptor at `at`. */
export function writeDescriptor(view: DataView, at: number, descriptor: Descriptor): void {
  view.setBigUint64(at, descriptor.address, true);
  view.setUint32(at + 8, descriptor.length, true);
  view.setUint16(at + 12, descriptor.flags, true);
  view.setUint16(at + 14, descriptor.next, true);
}
