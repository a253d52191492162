import { type Canvas, clamp, type Color, mix, wave } from "./canvas.ts";
import { HORIZON, SCENE_HEIGHT, SCENE_WIDTH } from "./scene.ts";

/** Frames until the waves are where they began. */
export const WATER_FRAMES = 8;

const WATER_ROWS = SCENE_HEIGHT - HORIZON;
const DEEP: Color = [10, 12, 44];
const SHALLOW: Color = [30, 24, 84];
/** How much of each color comes back from the water. */
const MIRROR: Color = [1.1, 0.76, 0.8];

/** Paints the water below the horizon: what is above it, mirrored in waves that go on by an eighth with each `frame`. */
export function paintWater(canvas: Canvas, frame: number): void {
  const time = frame / WATER_FRAMES;
  for (let row = 0; row < WATER_ROWS; row++) {
    const depth = row / WATER_ROWS;
    const mirrored = HORIZON - 1 - row * (1.1 + 0.72 * depth);
    const swell = wave(22 / (0.12 + depth) / 10 - time * 2 + 0.3);
    const ripple = wave(row * row / 950 + row / 5.3 - time);
    const shine = 0.5 - 0.3 * depth + 0.16 * ripple;
    const water = mix(SHALLOW, DEEP, depth);
    for (let x = 0; x < SCENE_WIDTH; x++) {
      const shift = (3 + 26 * depth) * ripple * wave(x / 640 + depth * 3 + time) + 5 * depth * swell;
      const seen = canvas.sample(x + shift, Math.min(HORIZON - 1, mirrored + (1 + 10 * depth) * ripple));
      const mirror: Color = [seen[0] * MIRROR[0], seen[1] * MIRROR[1], seen[2] * MIRROR[2]];
      const light = seen[1] / 255;
      const glitter = 0.34 * light * light; // what is bright outshines the water
      canvas.blend(x, HORIZON + row, mix(water, mirror, clamp(shine + glitter, 0, 1)), 1);
    }
  }
}
