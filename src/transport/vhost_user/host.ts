/** A range of a file that a host has put into the device's memory. */
export interface Mapping {
  /** Offset in the memory of the range's first byte. */
  readonly offset: number;
}

/** Where a guest sees a file of the host: the device's shared memory region. */
export interface SharedMemoryWindow {
  /**
   * Shows the file `fd`, which is as long as the region; the same file each time. `"asked"` means that `onAnswer` is called
   * when it is known, `"refused"` that it is not shown.
   */
  show(fd: number): "shown" | "asked" | "refused";
  /** The device is reset: `show` says again whether the file is shown. */
  reset(): void;
  /** Called when `show`, which has said `"asked"`, says something else. Set by the host. */
  onAnswer: (() => void) | undefined;
}

/**
 * What a connection needs of the program around it: file descriptors, memory maps and a loop that waits. No call blocks or
 * throws. A file descriptor that a front end sent belongs to the connection until it closes it or hands it on; it may be
 * anything, not only what the front end says.
 */
export interface VhostUserHost {
  /**
   * Maps `sizeBytes` bytes of the file `fd` from `fileOffset` on into the device's memory, shared and writable, or says why
   * it cannot: a sentence for the log. Neither number need be a multiple of the page size; both, and their sum, are at most
   * 2^53. The mapping outlives `fd`.
   */
  mapRegion(fd: number, fileOffset: number, sizeBytes: number): Mapping | string;
  /** Whether `fd` is the file that `mapping` shows. */
  isMappingOf(mapping: Mapping, fd: number): boolean;
  /** Takes a mapping away; the device does not touch its range afterwards. */
  unmapRegion(mapping: Mapping): void;
  /** Closes a file descriptor. */
  closeFd(fd: number): void;
  /**
   * Calls `VhostUserConnection.notify(queue)` whenever the eventfd `fd` has been signalled, which it takes back first; in
   * place of the one that it waited for before, or of none (undefined) any more. A signal from before the call counts.
   */
  watchKick(queue: number, fd: number | undefined): void;
  /** Signals an eventfd, or a pipe in its place, by the eight bytes of the number 1; drops the signal rather than wait. */
  signal(fd: number): void;
  /** Calls `VhostUserConnection.notify(queue)` soon, once: there may be buffers in `queue` that nobody kicks for. */
  workLeft(queue: number): void;
  /**
   * Hands over the socket on which the front end wants to be told what the screens show, in place of the one before, which
   * is to be closed; undefined when the front end has gone. The host owns it from now on.
   */
  setGpuSocket(fd: number | undefined): void;
  /** Writes `message` to `fd`, a socket or a pipe, as a whole; drops it rather than wait. The bytes are valid during the call. */
  send(fd: number, message: Uint8Array): void;
  /** Sends `message` and a duplicate of `fd` to the socket `socketFd` as a whole; false when it takes no more, or is none. */
  sendWithFd(socketFd: number, message: Uint8Array, fd: number): boolean;
  /**
   * Reads at most `wantedBytes` bytes from the socket `fd`; "nothing" when none are there yet, "closed" when none will come.
   * The bytes are valid until the next call. File descriptors that come with them are closed.
   */
  receive(fd: number, wantedBytes: number): Uint8Array | "nothing" | "closed";
  /**
   * Calls `onReadable`, not within this call, whenever `fd` can be read or its other end was closed; in place of the one
   * before, or of none (undefined) any more. False when `fd` is nothing that can be waited for.
   */
  watchChannel(fd: number | undefined, onReadable?: () => void): boolean;
  /** Hands over where the guest sees files of the host, if the device has such a region; undefined when the front end has gone. */
  setWindow(window: SharedMemoryWindow | undefined): void;
  /** Told in a sentence of a request that was refused and of a ring that was stopped, as often as a front end likes. */
  report(message: string): void;
}
