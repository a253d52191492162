/** What a guest can make a device spend. Every field is an option; the defaults are in `defaultLimits`. */
export interface Limits {
  /** Bytes of host memory for resources, blobs and page lists together. */
  readonly hostMemoryBytes: number;
  /** Resources that exist at a time. */
  readonly resources: number;
  /** Entries of one RESOURCE_ATTACH_BACKING or RESOURCE_CREATE_BLOB. */
  readonly pageEntries: number;
  /** Segments of one page list, after entries that follow each other were merged and others split at region borders. */
  readonly pageSegments: number;
  /** Bytes that `notify` works through before it lets the guest run; each command counts at least `COMMAND_COST_BYTES`. */
  readonly workBytesPerNotify: number;
  /** Errors per second that are handed to `onGuestError`. */
  readonly guestErrorsPerSecond: number;
  /** Contexts that exist at a time. */
  readonly contexts: number;
  /** Bytes of one SUBMIT_3D. */
  readonly submitBytes: number;
  /** Fenced commands whose work is not done yet; the queue stands still when there are as many. */
  readonly fencesInFlight: number;
  /** Width and height of the largest cursor, in pixels; 64 is the specification's. */
  readonly cursorSizePixels: number;
}

/** What one command counts against `Limits.workBytesPerNotify` besides the bytes it moves: about its cost as a copy. */
export const COMMAND_COST_BYTES = 1024;

/** What one row of pixels counts at least: a column of pixels costs a cache line a row at either end (90 ns measured). */
const ROW_COST_BYTES = 128;

/** What moving `rows` rows of `rowBytes` counts against `Limits.workBytesPerNotify`. */
export function costOfRows(rowBytes: number, rows: number): number {
  return Math.max(rowBytes, ROW_COST_BYTES) * rows;
}

/** The limits of a device that was given none. */
export const defaultLimits: Limits = Object.freeze({
  hostMemoryBytes: 512 * 1024 * 1024, // three 8K frame buffers and a desktop's windows; QEMU's default is 256 MiB
  resources: 16384, // a desktop has hundreds; each costs a JavaScript object besides its bytes
  pageEntries: 16384, // QEMU's; a 64 MiB resource in 4 KiB pages
  pageSegments: 16384 + 1024, // the entries, and room for those that cross from one region into the next
  workBytesPerNotify: 64 * 1024 * 1024, // 10 to 20 ms of copying, eight full-HD frames
  guestErrorsPerSecond: 100, // a person reads them; a hostile guest can make a million
  contexts: 256, // one for each program that draws
  submitBytes: 1024 * 1024, // Mesa's largest is 266,240
  fencesInFlight: 1024, // as many as a queue has descriptors
  cursorSizePixels: 64, // Virtio 1.4, 5.7.6.10
});
