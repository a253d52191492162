import { Canvas, clamp, type Color, gradient } from "./canvas.ts";
import { distanceTo, setWord, type Stroke } from "./lettering.ts";

/** Size of the scene: the mode of the demo's monitor. */
export const SCENE_WIDTH = 1024;
export const SCENE_HEIGHT = 768;
/** The row where the sky ends and the water begins; 64 KiB of pixels are 16 rows, and this is a multiple. */
export const HORIZON = 512;

const SKY: readonly (readonly [number, Color])[] = [
  [0, [9, 12, 38]],
  [0.3, [32, 22, 82]],
  [0.58, [104, 36, 118]],
  [0.8, [222, 84, 122]],
  [1, [255, 186, 120]],
];
const SUN_X = 512;
const SUN_Y = 424;
const SUN_RADIUS = 148;
const SUN: readonly (readonly [number, Color])[] = [
  [-1, [255, 244, 196]],
  [-0.1, [255, 202, 116]],
  [0.6, [255, 92, 128]],
];
const GLOW: Color = [255, 120, 96];
const GLOW_RADIUS = 430;
const STARS = 130;
const PEN_RADIUS = 8.5;
const WORD_GLOW: Color = [255, 96, 160];
const WORD_GLOW_RADIUS = 46;

/** Mountains: heights above the horizon in pixels, one color at the crest and one at the foot. */
interface Ridge {
  readonly seed: number;
  readonly lowest: number;
  readonly highest: number;
  /** Distance between peaks. */
  readonly spacing: number;
  readonly crest: Color;
  readonly foot: Color;
}

const RIDGES: readonly Ridge[] = [
  { seed: 11, lowest: 12, highest: 122, spacing: 150, crest: [126, 52, 122], foot: [238, 122, 124] },
  { seed: 5, lowest: 6, highest: 96, spacing: 104, crest: [62, 30, 92], foot: [132, 56, 116] },
  { seed: 29, lowest: 0, highest: 62, spacing: 70, crest: [20, 16, 52], foot: [34, 20, 66] },
];

/** Paints everything above the water: an evening sky, a sun cut by scan lines, mountains, and the word "Scanout". */
export function paintScene(): Canvas {
  const canvas = new Canvas(SCENE_WIDTH, SCENE_HEIGHT);
  paintSky(canvas);
  paintStars(canvas);
  paintSun(canvas);
  for (const ridge of RIDGES) paintRidge(canvas, ridge);
  for (const letter of setWord("Scanout", SCENE_WIDTH / 2, 218, 88)) paintLetter(canvas, letter);
  return canvas;
}

function paintSky(canvas: Canvas): void {
  for (let y = 0; y < HORIZON; y++) {
    const color = gradient(SKY, y / HORIZON);
    for (let x = 0; x < SCENE_WIDTH; x++) {
      canvas.blend(x, y, color, 1);
      const away = distance(x, y, SUN_X, SUN_Y) / GLOW_RADIUS;
      if (away < 1) canvas.add(x, y, GLOW, 0.42 * (1 - away) * (1 - away));
    }
  }
}

function paintStars(canvas: Canvas): void {
  for (let star = 0; star < STARS; star++) {
    const x = Math.floor(random(star * 3) * SCENE_WIDTH);
    const down = random(star * 3 + 1);
    const y = Math.floor(down * down * HORIZON * 0.62); // most are high up
    const size = random(star * 3 + 2);
    const light = (1 - y / (HORIZON * 0.66)) * (0.25 + 0.75 * size * size * size);
    canvas.add(x, y, [235, 235, 255], light);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]] as const) {
      canvas.add(x + dx, y + dy, [170, 180, 255], light * light * 0.4);
    }
  }
}

function paintSun(canvas: Canvas): void {
  for (let y = SUN_Y - SUN_RADIUS - 1; y < HORIZON; y++) {
    const down = (y - SUN_Y) / SUN_RADIUS;
    const color = gradient(SUN, down);
    for (let x = SUN_X - SUN_RADIUS - 1; x <= SUN_X + SUN_RADIUS + 1; x++) {
      const edge = SUN_RADIUS - distance(x, y, SUN_X, SUN_Y);
      canvas.blend(x, y, color, clamp(edge + 0.5, 0, 1) * (1 - scanLine(down)));
    }
  }
}

/** How much of a row the gaps in the sun take, which grow towards its bottom. */
function scanLine(down: number): number {
  const first = -0.22;
  if (down < first) return 0;
  const lines = (down - first) * 8.5;
  const gap = 0.1 + 0.42 * (down - first) / (1 - first);
  const inLine = lines - Math.floor(lines);
  return clamp((gap - inLine) * SUN_RADIUS / 8.5 + 0.5, 0, 1);
}

function paintRidge(canvas: Canvas, ridge: Ridge): void {
  for (let x = 0; x < SCENE_WIDTH; x++) {
    const top = HORIZON - ridgeHeight(ridge, x);
    for (let y = Math.floor(top); y < HORIZON; y++) {
      const down = (y - top) / (ridge.highest * 1.1);
      canvas.blend(x, y, gradient([[0, ridge.crest], [1, ridge.foot]], down), clamp(y - top + 0.5, 0, 1));
    }
  }
}

/** Peaks of five sizes, each half of the one before; lower towards the middle, so that the sun is seen. */
function ridgeHeight({ seed, lowest, highest, spacing }: Ridge, x: number): number {
  let height = 0;
  for (let octave = 0; octave < 5; octave++) {
    const times = 1 << octave;
    height += peaks(seed + octave * 101, x * times / spacing) / times;
  }
  const aside = Math.min(1, Math.abs(x - SUN_X) / (SCENE_WIDTH / 2));
  return lowest + (highest - lowest) * (height / 1.6) * (0.22 + 0.78 * aside);
}

/** Random heights (0 to 1) at whole numbers, straight slopes between them. */
function peaks(seed: number, at: number): number {
  const left = Math.floor(at);
  const from = random(seed * 7919 + left);
  const to = random(seed * 7919 + left + 1);
  return from + (to - from) * (at - left);
}

function paintLetter(canvas: Canvas, letter: readonly Stroke[]): void {
  const xs = letter.flatMap((stroke) => stroke.map(([x]) => x));
  const ys = letter.flatMap((stroke) => stroke.map(([, y]) => y));
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  for (let y = Math.floor(top - WORD_GLOW_RADIUS); y <= bottom + WORD_GLOW_RADIUS; y++) {
    const color = gradient([[0, [255, 255, 255]], [1, [255, 214, 226]]], (y - top) / (bottom - top));
    for (let x = Math.floor(left - WORD_GLOW_RADIUS); x <= right + WORD_GLOW_RADIUS; x++) {
      const edge = PEN_RADIUS - distanceTo(letter, x, y);
      const glow = Math.max(0, 1 + Math.min(0, edge) / WORD_GLOW_RADIUS);
      canvas.add(x, y, WORD_GLOW, 0.2 * glow * glow * glow);
      if (edge > -1) canvas.blend(x, y, color, clamp(edge + 0.5, 0, 1));
    }
  }
}

function distance(x: number, y: number, toX: number, toY: number): number {
  return Math.sqrt((x - toX) * (x - toX) + (y - toY) * (y - toY));
}

/** A number from 0 to 1 that looks random and is always the same for `index`. */
function random(index: number): number {
  let hash = Math.imul(index ^ 0x9e3779b9, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 15, 0xc2b2ae35);
  return ((hash ^ hash >>> 13) >>> 0) / 0x1_0000_0000;
}
