import type { Picture } from "../../display/memory_display.ts";
import { HORIZON, paintScene, SCENE_WIDTH } from "./scene.ts";
import { paintWater, WATER_FRAMES } from "./water.ts";

/** What the demo's guest draws, as a Linux frame buffer has it: blue, green, red and an unused byte for each pixel. */
export interface Animation {
  /** The whole picture with the first frame of the water. */
  readonly whole: Uint8Array;
  /** The rows of the water, from `waterOffsetBytes` to the picture's end, frame by frame. */
  readonly water: readonly Uint8Array[];
  readonly waterOffsetBytes: number;
  /** What is to be seen when the last frame of the water has been drawn. */
  readonly last: Picture;
}

/** Paints the demo's picture and its moving water, the same on every machine. Takes about a second. */
export function makeAnimation(): Animation {
  const waterOffsetBytes = HORIZON * SCENE_WIDTH * 4;
  const canvas = paintScene();
  const pictures = Array.from({ length: WATER_FRAMES }, (_, frame) => {
    paintWater(canvas, frame);
    return canvas.toPicture();
  });
  const pixels = pictures.map(({ rgba }) => toFrameBuffer(rgba));
  return {
    whole: pixels[0]!,
    water: pixels.map((bytes) => bytes.subarray(waterOffsetBytes)),
    waterOffsetBytes,
    last: pictures.at(-1)!,
  };
}

function toFrameBuffer(rgba: Uint8Array): Uint8Array {
  const pixels = new Uint8Array(rgba.length);
  for (let i = 0; i < rgba.length; i += 4) {
    pixels[i] = rgba[i + 2]!;
    pixels[i + 1] = rgba[i + 1]!;
    pixels[i + 2] = rgba[i]!;
  }
  return pixels;
}
