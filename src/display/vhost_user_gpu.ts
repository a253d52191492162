import type { GuestMemory } from "../memory/guest_memory.ts";
import type { PixelSource } from "../memory/pixel_source.ts";
import type { Rect } from "../memory/rect.ts";
import { MAX_SCANOUTS } from "../protocol/wire.gen.ts";
import type { CursorImage, Display } from "./display.ts";
import { GPU_PIXELS_OFFSET } from "./vhost_user_gpu_messages.ts";
import { type GpuOutput, GpuOutputQuestions } from "./vhost_user_gpu_outputs.ts";
import { GpuReplyReader } from "./vhost_user_gpu_replies.ts";
import { GpuScreen, MAX_MESSAGE_BYTES } from "./vhost_user_gpu_screen.ts";

/** A socket of the display protocol, apart from the system. No call waits or throws. */
export interface GpuPort {
  /** Sends as many of `bytes` as go now, from the first on, and returns how many; -1 when none will go any more. */
  send(bytes: Uint8Array): number;
  /** Whether to call `VhostUserGpuDisplay.write` whenever bytes go. */
  wantWrites(areWanted: boolean): void;
}

/** Bytes that are sent before the rings have their turn. */
const BYTES_PER_TURN = 1024 * 1024;

/** The pixels of a message begin at a cache line, which is faster; what comes before them ends there. */
const CACHE_LINE_BYTES = 64;
const HEAD_BYTES = GPU_PIXELS_OFFSET;

/**
 * Shows scanouts by a vhost-user front end's display socket: by SCANOUT and UPDATE, for which it need share no memory. A
 * call only notes what has changed; it is converted and sent when the socket takes bytes, at most one message ahead. So a
 * front end that reads slowly is shown fewer pictures, and no command ever waits for it. What is damaged more than once
 * meanwhile is sent once, as it is by then; a list of damage that is full is united with what lies between.
 */
export class VhostUserGpuDisplay implements Display {
  readonly #guest: GuestMemory;
  readonly #onOutputs: (outputs: readonly GpuOutput[] | undefined) => void;
  readonly #screens: readonly GpuScreen[] = Array.from({ length: MAX_SCANOUTS }, (_, id) => new GpuScreen(id));
  readonly #address: number;
  #port: GpuPort | undefined;
  #isWriting = false;
  #questions: GpuOutputQuestions | undefined;
  #replies = new GpuReplyReader();
  #isAwaited = false;
  #isFresh = false;
  /** The screen that is looked at first. */
  #turn = 0;
  /** The message under way: what of it was sent, and where it ends. */
  #sentBytes = 0;
  #messageBytes = 0;

  /**
   * No socket yet. `onOutputs` is told of the monitors that a front end would like, and when nobody says any more. Takes its block from the memory's heap
   * for as long as it lives; throws `RangeError` when there is no room.
   */
  constructor(guest: GuestMemory, onOutputs: (outputs: readonly GpuOutput[] | undefined) => void) {
    this.#guest = guest;
    this.#onOutputs = onOutputs;
    const block = guest.heap.allocate(CACHE_LINE_BYTES + MAX_MESSAGE_BYTES);
    if (block === 0) throw new RangeError("Cannot make a VhostUserGpuDisplay: the heap has no room");
    this.#address = block + CACHE_LINE_BYTES - HEAD_BYTES;
  }

  /** Shows everything by `port` from now on, in place of the one before. */
  connect(port: GpuPort): void {
    this.disconnect();
    this.#port = port;
    this.#replies = new GpuReplyReader();
    this.#questions = new GpuOutputQuestions((outputs) => this.#hearOutputs(outputs));
    for (const screen of this.#screens) screen.beginAgain();
    this.#wantWrites();
  }

  /** Shows nothing from now on, and remembers what there is to show. */
  disconnect(): void {
    if (this.#port === undefined) return;
    this.#port = undefined;
    this.#questions = undefined;
    this.#isWriting = false;
    this.#isAwaited = false;
    this.#isFresh = false;
    this.#sentBytes = 0;
    this.#messageBytes = 0;
    this.#onOutputs(undefined);
  }

  /** Whether `areOutputsKnown` was false and an answer has not come since. */
  get isAwaited(): boolean {
    return this.#isAwaited;
  }

  /**
   * Whether the front end has said what the monitors are since this was last asked. If not, it is asked now: ask again when
   * `onOutputs` is told. True when there is no front end.
   */
  areOutputsKnown(): boolean {
    if (this.#questions === undefined || this.#isFresh) {
      this.#isFresh = false;
      return true;
    }
    this.#isAwaited = true;
    this.#questions.askAgain();
    this.#wantWrites();
    return false;
  }

  /** Sends what there is to say and goes now; false when the socket is of no use any more. */
  write(): boolean {
    const port = this.#port;
    for (let left = BYTES_PER_TURN; left > 0 && port !== undefined;) {
      if (this.#sentBytes === this.#messageBytes && !this.#writeNext()) {
        this.#isWriting = false;
        port.wantWrites(false);
        return true;
      }
      const begin = this.#address + this.#sentBytes;
      const sent = port.send(this.#guest.bytes.subarray(begin, this.#address + this.#messageBytes));
      if (sent < 0) return false;
      if (sent === 0) return true;
      this.#sentBytes += sent;
      left -= sent;
    }
    return true;
  }

  /** How many bytes to give to `receive` at most, 1 or more. */
  get wantedBytes(): number {
    return this.#replies.wantedBytes;
  }

  /** Takes at most `wantedBytes` bytes from the socket; a sentence when the socket is of no use any more. */
  receive(bytes: Uint8Array): string | undefined {
    const reply = this.#replies.take(bytes);
    if (reply === undefined || typeof reply === "string") return reply;
    const problem = this.#questions?.hear(reply);
    this.#wantWrites(); // the answer to one question may raise the next
    return problem;
  }

  show(scanoutId: number, source: PixelSource, damage: Rect): void {
    this.#screens[scanoutId]!.show(source, damage);
    this.#wantWrites();
  }

  disable(scanoutId: number): void {
    this.#screens[scanoutId]!.disable();
    this.#wantWrites();
  }

  setCursor(scanoutId: number, image: CursorImage | undefined): void {
    this.#screens[scanoutId]!.setCursor(image);
    this.#wantWrites();
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    this.#screens[scanoutId]!.moveCursor(x, y);
    this.#wantWrites();
  }

  #hearOutputs(outputs: readonly GpuOutput[]): void {
    this.#isFresh = this.#isAwaited;
    this.#isAwaited = false;
    this.#onOutputs(outputs);
  }

  #wantWrites(): void {
    if (this.#isWriting || this.#port === undefined) return;
    this.#isWriting = true;
    this.#port.wantWrites(true);
  }

  /** Puts the next message into the block; false when there is nothing to say. */
  #writeNext(): boolean {
    const words = this.#guest.words.subarray(this.#address >>> 2);
    this.#sentBytes = 0;
    this.#messageBytes = this.#questions?.writeNext(words) ?? 0;
    for (let count = 0; count < MAX_SCANOUTS && this.#messageBytes === 0; count++) {
      this.#messageBytes = this.#screens[this.#turn]!.writeNext({ words, address: this.#address });
      this.#turn = (this.#turn + 1) % MAX_SCANOUTS; // each screen gets its share
    }
    return this.#messageBytes > 0;
  }
}
