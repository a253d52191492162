import { PlainQueue, type QueuePlace } from "./plain_queue.ts";

/** A fence whose work is not done, or whose turn has not come. */
interface PlainFence {
  readonly head: number;
  readonly reply: Uint8Array;
  readonly timeline: PlainFence[];
  isDone: boolean;
}

const REQUEST_BYTES = 512 * 1024;
const HEADER_BYTES = 24;
const SUBMIT_BYTES = 32;

const SUBMIT_3D = 0x207;
const FENCE = 1;
const OK = 0x1100;
const UNSPECIFIED = 0x1200;
const INVALID_PARAMETER = 0x1205;

/**
 * The baseline of SUBMIT_3D and of its fences: both in plain JavaScript, as one would write them first. A timeline is an
 * array under its context and ring in a map, a fence is an object in it. Nothing is drawn.
 */
export class PlainSubmitDevice {
  readonly #queue: PlainQueue;
  readonly #request = new Uint8Array(REQUEST_BYTES);
  readonly #view = new DataView(this.#request.buffer);
  readonly #reply = new Uint8Array(HEADER_BYTES);
  readonly #replyView = new DataView(this.#reply.buffer);
  readonly #timelines = new Map<number, PlainFence[]>();
  readonly #inFlight: PlainFence[] = [];
  #isPending = false;

  /** Serves the control queue at `place` of `ram`. */
  constructor(ram: Uint8Array, place: QueuePlace) {
    this.#queue = new PlainQueue(ram, place);
  }

  /** The doorbell. */
  notify(): void {
    while (this.#queue.pop()) this.#answer(this.#queue.read(this.#request));
    this.#signal();
  }

  /** Ends the fences that are in flight, the newest first. */
  finish(): void {
    while (this.#inFlight.length > 0) this.#done(this.#inFlight.pop()!);
  }

  /** Reads the interrupt status and clears it. */
  takeInterrupt(): boolean {
    const isPending = this.#isPending;
    this.#isPending = false;
    return isPending;
  }

  #answer(requestBytes: number): void {
    const type = this.#submit(requestBytes);
    const flags = this.#view.getUint32(4, true);
    const reply = this.#replyView;
    reply.setUint32(0, type, true);
    reply.setUint32(4, flags & FENCE ? flags & 3 : 0, true);
    for (let at = 8; at < HEADER_BYTES; at += 4) {
      reply.setUint32(at, flags & FENCE ? this.#view.getUint32(at, true) : 0, true);
    }
    if (type === OK && (flags & FENCE) !== 0) this.#park();
    else this.#queue.complete(this.#reply);
  }

  #submit(requestBytes: number): number {
    if (requestBytes < SUBMIT_BYTES || this.#view.getUint32(0, true) !== SUBMIT_3D) return UNSPECIFIED;
    const size = this.#view.getUint32(24, true);
    return size % 4 !== 0 || SUBMIT_BYTES + size > requestBytes ? INVALID_PARAMETER : OK;
  }

  #park(): void {
    const key = this.#view.getUint32(16, true) * 64 + this.#view.getUint8(20);
    let timeline = this.#timelines.get(key);
    if (timeline === undefined) this.#timelines.set(key, timeline = []);
    const fence = { head: this.#queue.head, reply: this.#reply.slice(), timeline, isDone: false };
    timeline.push(fence);
    this.#inFlight.push(fence);
  }

  #done(fence: PlainFence): void {
    const { timeline } = fence;
    fence.isDone = true;
    while (timeline.length > 0 && timeline[0]!.isDone) {
      const { head, reply } = timeline.shift()!;
      this.#queue.completeHead(head, reply);
    }
    this.#signal();
  }

  #signal(): void {
    if (this.#queue.shouldSignal()) this.#isPending = true;
  }
}
