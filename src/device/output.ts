/** What a scanout would like to be: the monitor that the guest finds. Virtio 1.4, 5.7.6.8 (GET_DISPLAY_INFO). */
export interface Output {
  /** Preferred size in pixels, 1 to 16384. */
  widthPixels: number;
  heightPixels: number;
  /** Where it stands among the others, in pixels. */
  x: number;
  y: number;
  /** Whether a monitor is connected. */
  isEnabled: boolean;
}

/** What an embedder says of an output; the rest is worked out. */
export interface OutputOptions {
  /** Preferred size in pixels, 1 to 16384. */
  readonly widthPixels: number;
  readonly heightPixels: number;
  /** Place among the others, in pixels; the right of the one before when absent. */
  readonly x?: number;
  readonly y?: number;
  /** Whether a monitor is connected; true when absent. */
  readonly isEnabled?: boolean;
}

const MAX_SIZE_PIXELS = 16384;

/** Makes the outputs of a device, from left to right. Throws `RangeError` for a size that no monitor has. */
export function makeOutputs(options: readonly OutputOptions[]): Output[] {
  let right = 0;
  return options.map(({ widthPixels, heightPixels, x = right, y = 0, isEnabled = true }, index) => {
    for (const size of [widthPixels, heightPixels]) {
      if (Number.isInteger(size) && size >= 1 && size <= MAX_SIZE_PIXELS) continue;
      throw new RangeError(`Cannot make output ${index}: its size must be 1 to ${MAX_SIZE_PIXELS} pixels, got ${size}`);
    }
    if (isEnabled) right = x + widthPixels;
    return { widthPixels, heightPixels, x, y, isEnabled };
  });
}
