import { compileKernels } from "./module.ts";

/**
 * The kernels over one WebAssembly.Memory: plain functions of addresses and counts.
 *
 * An address is a byte offset in that memory (0..2^32 - 1). Blocks and lists have the layouts of `layout.gen.ts`. The
 * caller vouches for the addresses and counts it passes; what the guest wrote is checked here, never believed. A
 * negative result is one of the ERROR_ constants of `layout.gen.ts`; no kernel throws, allocates, or keeps anything
 * between calls.
 */
export interface Kernels {
  /**
   * Finds where a guest range lies when it is contiguous in one region. `regions` is a region table; the guest
   * address comes as two u32 halves. Returns the range's address in the memory, or NOT_CONTIGUOUS when it is not
   * wholly in one region or has no bytes.
   */
  resolve(regions: number, guestAddressLow: number, guestAddressHigh: number, lengthBytes: number): number;

  /**
   * Takes the next available chain into the chain block, with a copy of its first bytes. Virtio 1.4, 2.7.5 and 2.7.6.
   * Returns CHAIN_POPPED, CHAIN_NONE when the driver has made nothing more available (with EVENT_IDX it has then
   * asked for a notification of the next one and looked once more), or the error of a malformed ring or chain; after
   * an error the queue block is as it was and the chain block of no use. Each byte of guest memory is read once. The
   * rings lie where the block says, wholly in guest memory; the available ring must be 2-aligned in the memory, the
   * used ring 4-aligned.
   */
  queuePop(queue: number, chain: number): number;

  /**
   * Finds the buffers of a chain again that queuePop gave out, by its head: the descriptors are checked anew, since they
   * are the guest's, and so is the head. Returns 0, or the error of a malformed chain; the chain block is of no use then.
   * The command is not copied.
   */
  queueRewalk(queue: number, chain: number, head: number): number;

  /**
   * Writes a response into the chain's writable bytes and hands the chain back to the driver. Virtio 1.4, 2.7.8.
   * `response` is contiguous; what exceeds the writable bytes is dropped. Returns how many bytes were written.
   */
  queueComplete(queue: number, chain: number, response: number, responseBytes: number): number;

  /**
   * Tells whether the driver wants an interrupt for the chains completed since this was last asked. Virtio 1.4, 2.7.7.
   * Returns 1 or 0.
   */
  queueShouldSignal(queue: number): number;

  /**
   * Turns the guest's memory entries into a page list: checked, split at region borders, merged where both addresses
   * adjoin. Virtio 1.4, 5.7.6.8 (RESOURCE_ATTACH_BACKING). `entries` are 16-byte virtio_gpu_mem_entry records in host
   * memory. `segments` has room for `capacity` segments and a terminator, `guestAddresses` for `capacity` u64.
   * Returns the number of segments, or an ERROR_PAGE_ constant (what was written until then is of no use).
   */
  pageListParse(
    entries: number,
    entryCount: number,
    regions: number,
    segments: number,
    guestAddresses: number,
    capacity: number,
  ): number;

  /**
   * Makes a page list anew from an older one, against a region table that has changed; otherwise as pageListParse.
   * The two lists must not overlap in memory.
   */
  pageListResolve(
    segments: number,
    guestAddresses: number,
    count: number,
    regions: number,
    outSegments: number,
    outGuestAddresses: number,
    capacity: number,
  ): number;

  /** Copies `lengthBytes` from position `start` of a list to contiguous bytes. Returns 0 or ERROR_OUT_OF_RANGE. */
  gatherBytes(segments: number, count: number, start: number, target: number, lengthBytes: number): number;

  /** Copies contiguous bytes to position `start` of a list. Returns 0 or ERROR_OUT_OF_RANGE. */
  scatterBytes(segments: number, count: number, start: number, source: number, lengthBytes: number): number;

  /**
   * Copies `rows` rows of `rowBytes` from a segment list, where they begin at `start` and follow every `strideBytes`,
   * to rows that follow every `targetStrideBytes`. Returns 0, or ERROR_OUT_OF_RANGE when the last row ends after the
   * list.
   */
  gatherRect(
    segments: number,
    count: number,
    start: number,
    strideBytes: number,
    target: number,
    targetStrideBytes: number,
    rowBytes: number,
    rows: number,
  ): number;

  /** Copies rows the other way round: from `source` into a segment list. Arguments and results as gatherRect. */
  scatterRect(
    segments: number,
    count: number,
    start: number,
    strideBytes: number,
    source: number,
    sourceStrideBytes: number,
    rowBytes: number,
    rows: number,
  ): number;

  /**
   * Copies `layers` layers, each as gatherRect copies rows: in the list they follow every `layerStrideBytes`, and every
   * `targetLayerStrideBytes` at `target`. Returns 0, or ERROR_OUT_OF_RANGE when the last row ends after the list.
   */
  gatherBox(
    segments: number,
    count: number,
    start: number,
    strideBytes: number,
    layerStrideBytes: number,
    target: number,
    targetStrideBytes: number,
    targetLayerStrideBytes: number,
    rowBytes: number,
    rows: number,
    layers: number,
  ): number;

  /** Copies layers the other way round: from `source` into a segment list. Arguments and results as gatherBox. */
  scatterBox(
    segments: number,
    count: number,
    start: number,
    strideBytes: number,
    layerStrideBytes: number,
    source: number,
    sourceStrideBytes: number,
    sourceLayerStrideBytes: number,
    rowBytes: number,
    rows: number,
    layers: number,
  ): number;

  /**
   * Converts 4-byte pixels: byte i of `lanes` is the index (0..3) of the source byte that goes to target byte i, and
   * `opaque` is ORed into each target pixel (0xff000000 where the source has no alpha). Source and target may be the
   * same bytes, but must not overlap otherwise.
   */
  convertRect(
    source: number,
    sourceStrideBytes: number,
    target: number,
    targetStrideBytes: number,
    widthPixels: number,
    rows: number,
    lanes: number,
    opaque: number,
  ): void;

  /**
   * Copies rows of pixels from a segment list as gatherRect does and converts them as convertRect does, in one pass.
   * Returns 0 or ERROR_OUT_OF_RANGE.
   */
  gatherConvertRect(
    segments: number,
    count: number,
    start: number,
    strideBytes: number,
    target: number,
    targetStrideBytes: number,
    widthPixels: number,
    rows: number,
    lanes: number,
    opaque: number,
  ): number;
}

/**
 * Makes the kernels for a memory of at least one page: any host's own, an emulator's, shared or not.
 * Rejects with `WebAssembly.CompileError` where the JavaScript engine has no SIMD.
 */
export async function instantiateKernels(memory: WebAssembly.Memory): Promise<Kernels> {
  const isShared = !(memory.buffer instanceof ArrayBuffer);
  const instance = await WebAssembly.instantiate(await compileKernels(isShared), { env: { memory } });
  return instance.exports as unknown as Kernels;
}
