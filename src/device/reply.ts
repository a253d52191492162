import type { GuestMemory } from "../memory/guest_memory.ts";
import {
  CTRL_HDR_SIZE,
  CtrlFlag,
  type CtrlHdr,
  RESP_CAPSET_SIZE,
  RESP_EDID_SIZE,
  ResponseType,
} from "../protocol/wire.gen.ts";

/** The flags that a reply may echo; every other bit of a request is nobody's. */
const ECHOED_FLAGS = CtrlFlag.Fence | CtrlFlag.InfoRingIdx;

/**
 * The reply to the command in progress, in a block of host memory that holds no byte of another reply: what is not
 * written is zero.
 */
export class Reply {
  /** Address of the reply's header. */
  readonly address: number;
  /** Type of the reply; `begin` sets OK_NODATA. */
  type: ResponseType = ResponseType.OkNodata;
  /** Size of the reply in bytes, header included. */
  sizeBytes: number = CTRL_HDR_SIZE;
  readonly #guest: GuestMemory;

  /**
   * Takes its block from the heap for as long as the device lives, with room for a capability set of `capsetBytes`. Throws
   * `RangeError` when there is no room.
   */
  constructor(guest: GuestMemory, capsetBytes: number) {
    this.#guest = guest;
    this.address = guest.heap.allocate(Math.max(RESP_EDID_SIZE, RESP_CAPSET_SIZE + capsetBytes));
    if (this.address === 0) throw new RangeError("Cannot make a reply: the heap has no room");
  }

  /** Begins the reply to the next command: OK, no data. */
  begin(): void {
    this.type = ResponseType.OkNodata;
    this.sizeBytes = CTRL_HDR_SIZE;
  }

  /**
   * Begins a reply with data: clears `sizeBytes` bytes, which the caller then fills from its own writer on. Returns the
   * index of its first word in `guest.words`.
   */
  withData(type: ResponseType, sizeBytes: number): number {
    this.type = type;
    this.sizeBytes = sizeBytes;
    this.#guest.bytes.fill(0, this.address, this.address + sizeBytes);
    return this.address >>> 2;
  }

  /** Turns the reply into an error's. */
  fail(type: ResponseType): void {
    this.type = type;
    this.sizeBytes = CTRL_HDR_SIZE;
  }

  /**
   * Writes the header. A fence is echoed on errors too, since Linux waits for some of them without a time limit; without
   * a fence everything but the type is zero. Virtio 1.4, 5.7.6.5 and 5.7.6.7.
   */
  writeHeader(request: CtrlHdr): void {
    const words = this.#guest.words;
    const at = this.address >>> 2;
    const hasFence = (request.flags & CtrlFlag.Fence) !== 0;
    words[at] = this.type;
    words[at + 1] = hasFence ? request.flags & ECHOED_FLAGS : 0;
    words[at + 2] = hasFence ? request.fenceIdLow : 0;
    words[at + 3] = hasFence ? request.fenceIdHigh : 0;
    words[at + 4] = hasFence ? request.ctxId : 0;
    words[at + 5] = hasFence ? request.ringIdx : 0;
  }
}
