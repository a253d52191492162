/** Bytes that lie in pieces, as one run: what the copy kernels walk. A guest's pages are one. */
export interface SegmentList {
  /** Sum of the pieces' lengths in bytes; below 2^32. */
  readonly totalBytes: number;
  /** Address of the segments. Good after `resolve` returned true, until the command ends. */
  readonly segments: number;
  /** Number of segments. */
  readonly segmentCount: number;
  /** Whether all pieces are there; nothing may be read or written through the list while they are not. */
  resolve(): boolean;
}
