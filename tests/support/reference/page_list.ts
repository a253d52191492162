/** What pageListParse and pageListResolve promise, over arrays. */

import * as layout from "../../../src/wasm/layout.gen.ts";
import { mergePieces, type Piece, piecesOf, type Region } from "./region.ts";

/** A memory entry as the guest sends it. */
export interface MemEntry {
  guestAddress: bigint;
  length: number;
}

/** Every result code that the entries deserve (a kernel may meet either first), or the page list. */
export function pageListReference(
  entries: MemEntry[],
  regions: Region[],
  capacity: number,
): { errors: number[]; pieces: Piece[] } {
  const errors = new Set<number>();
  const pieces: Piece[] = [];
  let total = 0;
  for (const entry of entries) {
    const found = piecesOf(regions, entry.guestAddress, entry.length);
    if (entry.length === 0) errors.add(layout.ERROR_PAGE_ZERO_LENGTH);
    else if (found === undefined) {
      errors.add(layout.ERROR_PAGE_ADDRESS);
      errors.add(layout.ERROR_PAGE_CAPACITY); // the pieces before the bad byte may fill the list first
    } else pieces.push(...found);
    total += entry.length;
  }
  const merged = mergePieces(pieces);
  if (total >= 2 ** 32) errors.add(layout.ERROR_PAGE_TOTAL);
  if (merged.length > capacity) errors.add(layout.ERROR_PAGE_CAPACITY);
  return { errors: [...errors], pieces: merged };
}
