/** Guest regions in the plainest terms: BigInt addresses and a search from the front. */

/** A range of guest memory and where it lies in the WebAssembly.Memory. */
export interface Region {
  guestAddress: bigint;
  sizeBytes: bigint;
  offset: number;
}

/** A piece of a guest range that lies in one region. */
export interface Piece {
  guestAddress: bigint;
  offset: number;
  length: number;
}

/** Splits a guest range at the borders of regions; undefined when some byte lies in none. */
export function piecesOf(regions: Region[], guestAddress: bigint, length: number): Piece[] | undefined {
  const pieces: Piece[] = [];
  let left = length;
  let address = guestAddress;
  while (left > 0) {
    const region = regions.find((r) => address >= r.guestAddress && address < r.guestAddress + r.sizeBytes);
    if (region === undefined) return undefined;
    const within = address - region.guestAddress;
    const room = region.sizeBytes - within;
    const pieceLength = BigInt(left) < room ? left : Number(room);
    pieces.push({ guestAddress: address, offset: region.offset + Number(within), length: pieceLength });
    address += BigInt(pieceLength);
    left -= pieceLength;
  }
  return pieces;
}

/** Returns where a guest range lies, or -1 when it is not wholly in one region or is empty. */
export function resolveReference(regions: Region[], guestAddress: bigint, length: number): number {
  const pieces = piecesOf(regions, guestAddress, length);
  const isContiguous = pieces !== undefined && pieces.length === 1;
  return isContiguous ? pieces[0]!.offset : -1;
}

/** Joins neighbours whose guest addresses and offsets both adjoin, as a page list does. */
export function mergePieces(pieces: Piece[]): Piece[] {
  return mergeWhere(
    pieces,
    (last, next) =>
      last.guestAddress + BigInt(last.length) === next.guestAddress && last.offset + last.length === next.offset,
  );
}

/** Joins neighbours whose offsets adjoin, as a chain does, which keeps no guest addresses. */
export function mergeOffsets(pieces: Piece[]): Piece[] {
  return mergeWhere(pieces, (last, next) => last.offset + last.length === next.offset);
}

function mergeWhere(pieces: Piece[], adjoins: (last: Piece, next: Piece) => boolean): Piece[] {
  const merged: Piece[] = [];
  for (const piece of pieces) {
    const last = merged.at(-1);
    if (last !== undefined && adjoins(last, piece)) last.length += piece.length;
    else merged.push({ ...piece });
  }
  return merged;
}
