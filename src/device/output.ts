import { RESP_EDID_EDID_BYTES } from "../protocol/wire.gen.ts";

/** What a scanout would like to be: the monitor that the guest finds. Virtio 1.4, 5.7.6.8 (GET_DISPLAY_INFO). */
export interface Output {
  /** Preferred width in pixels, 1 to 16384. */
  widthPixels: number;
  /** Preferred height in pixels, 1 to 16384. */
  heightPixels: number;
  /** Where it stands among the others, in pixels; undefined: right of the one before, at the top. */
  x: number | undefined;
  y: number | undefined;
  /** Whether a monitor is connected. */
  isEnabled: boolean;
  /** Its EDID; undefined for one that is made from its size. */
  edid?: Uint8Array | undefined;
}

/** What an embedder says of an output; the rest is worked out. */
export interface OutputOptions {
  /** Preferred width in pixels, 1 to 16384. */
  readonly widthPixels: number;
  /** Preferred height in pixels, 1 to 16384. */
  readonly heightPixels: number;
  /** Left edge among the others, in pixels; the right of the one before when absent. */
  readonly x?: number | undefined;
  /** Top edge among the others, in pixels; 0 when absent. */
  readonly y?: number | undefined;
  /** Whether a monitor is connected; true when absent. */
  readonly isEnabled?: boolean;
  /** What GET_EDID answers, 1 to 1024 bytes, for hosts that have it from a real monitor; made from the size when absent. */
  readonly edid?: Uint8Array | undefined;
}

/** Where an output stands, in pixels. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Most pixels of a monitor's width and height. */
export const MAX_SIZE_PIXELS = 16384;
/** Farthest that a monitor may stand from the others' corner. */
export const MAX_PLACE_PIXELS = 0x7fffffff;

/** Makes the outputs of a device. Throws `RangeError` for a size that no monitor has, and for a place out of range. */
export function makeOutputs(options: readonly OutputOptions[]): Output[] {
  return options.map(({ widthPixels, heightPixels, x, y, isEnabled = true, edid }, index) =>
    checked({ widthPixels, heightPixels, x, y, isEnabled, edid }, index)
  );
}

/** Changes what `change` names of output `index`. Throws `RangeError`, and changes nothing, as `makeOutputs` does. */
export function changeOutput(outputs: readonly Output[], index: number, change: Partial<OutputOptions>): void {
  const output = outputs[index];
  if (output === undefined) {
    throw new RangeError(`Cannot change output ${index}: it must be < ${outputs.length}`);
  }
  Object.assign(output, checked({ ...output, ...change }, index));
}

/** Where each output stands: those that were given no place follow each other from left to right. */
export function placesOf(outputs: readonly Output[]): Place[] {
  let right = 0;
  return outputs.map(({ x = right, y = 0, widthPixels, isEnabled }) => {
    if (isEnabled) right = x + widthPixels;
    return { x, y };
  });
}

function checked(output: Output, index: number): Output {
  for (const size of [output.widthPixels, output.heightPixels]) {
    if (Number.isInteger(size) && size >= 1 && size <= MAX_SIZE_PIXELS) continue;
    throw new RangeError(`Cannot make output ${index}: its size must be 1 to ${MAX_SIZE_PIXELS} pixels, got ${size}`);
  }
  for (const place of [output.x ?? 0, output.y ?? 0]) {
    if (Number.isInteger(place) && place >= 0 && place <= MAX_PLACE_PIXELS) continue;
    throw new RangeError(
      `Cannot make output ${index}: its place must be 0 to ${MAX_PLACE_PIXELS} pixels, got ${place}`,
    );
  }
  const edidBytes = output.edid?.length ?? 1;
  if (edidBytes < 1 || edidBytes > RESP_EDID_EDID_BYTES) {
    throw new RangeError(
      `Cannot make output ${index}: its EDID must have 1 to ${RESP_EDID_EDID_BYTES} bytes, got ${edidBytes}`,
    );
  }
  return output;
}
