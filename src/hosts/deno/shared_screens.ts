import { MAX_SCANOUTS } from "../../protocol/wire.gen.ts";

/** What a scanout shows, in few words. */
export interface ScreenState {
  /** Size in pixels; 0 by 0 while it shows nothing. */
  readonly widthPixels: number;
  readonly heightPixels: number;
  /** Counts what was shown on it, modulo 2^32: another number means another picture, or another cursor. */
  readonly frames: number;
}

const IS_TOLD = 0;
const FIRST_SCREEN = 1;
const WIDTH = 0;
const HEIGHT = 1;
const FRAMES = 2;
const WORDS_PER_SCREEN = 3;

/**
 * What the scanouts show, written by the thread that has the device and read by others at any time. However often a guest
 * changes a screen, one message at a time tells of it: whoever hears it calls `hear`, then looks.
 */
export class SharedScreens {
  /** The memory of the states, to be handed to another thread. */
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  /** The states in `buffer`; new ones, of screens that show nothing, when it is absent. */
  constructor(buffer = new SharedArrayBuffer(4 * (FIRST_SCREEN + MAX_SCANOUTS * WORDS_PER_SCREEN))) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  /** What scanout `scanoutId`, 0 to 15, shows. */
  read(scanoutId: number): ScreenState {
    const at = placeOf(scanoutId);
    return {
      widthPixels: Atomics.load(this.#words, at + WIDTH),
      heightPixels: Atomics.load(this.#words, at + HEIGHT),
      frames: Atomics.load(this.#words, at + FRAMES) >>> 0,
    };
  }

  /** Counts a frame of scanout `scanoutId`; true when its size is new and nobody was told yet of a change: tell now. */
  write(scanoutId: number, widthPixels: number, heightPixels: number): boolean {
    const at = placeOf(scanoutId);
    Atomics.add(this.#words, at + FRAMES, 1);
    const hadWidth = Atomics.exchange(this.#words, at + WIDTH, widthPixels);
    const hadHeight = Atomics.exchange(this.#words, at + HEIGHT, heightPixels);
    if (hadWidth === widthPixels && hadHeight === heightPixels) return false;
    return Atomics.exchange(this.#words, IS_TOLD, 1) === 0;
  }

  /** Counts a change of the cursor of scanout `scanoutId`. */
  countCursor(scanoutId: number): void {
    Atomics.add(this.#words, placeOf(scanoutId) + FRAMES, 1);
  }

  /** The message has come: the next change is worth another. */
  hear(): void {
    Atomics.store(this.#words, IS_TOLD, 0);
  }
}

function placeOf(scanoutId: number): number {
  if (!(scanoutId >= 0 && scanoutId < MAX_SCANOUTS)) {
    throw new RangeError(`Cannot look at scanout ${scanoutId}: it must be 0 to ${MAX_SCANOUTS - 1}`);
  }
  return FIRST_SCREEN + scanoutId * WORDS_PER_SCREEN;
}
