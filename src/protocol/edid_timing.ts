/**
 * Timings of VESA CVT with reduced blanking, but with any width and an exact refresh rate: a canvas has any size.
 * Nobody drives a cable with them; a guest shows them, and takes its frame rate from them.
 */

/** Pixels of a line that show nothing: the front porch, the sync, then the rest. */
export const H_BLANK = 160;
/** Pixels between the end of a line and its sync. */
export const H_FRONT = 48;
/** Pixels of the horizontal sync, which is positive. */
export const H_SYNC = 32;
/** Lines between the end of a frame and its sync. */
export const V_FRONT = 3;
/** Lines of the vertical sync, which is negative: the width that CVT gives to a size of no common aspect ratio. */
export const V_SYNC = 10;

const V_BACK_MIN = 6;
const V_BLANK_SECONDS = 460e-6;
const MIN_CLOCK_HZ = 10_000_000; // readers of an EDID take less for broken data

/** Lines of a frame that show nothing: 460 microseconds of them, and more where the pixel clock would be below 10 MHz. */
export function verticalBlankLines(width: number, height: number, refreshHz: number): number {
  const lineSeconds = (1 / refreshHz - V_BLANK_SECONDS) / height;
  const forTime = Math.floor(V_BLANK_SECONDS / lineSeconds) + 1;
  const forClock = Math.ceil(MIN_CLOCK_HZ / ((width + H_BLANK) * refreshHz)) - height;
  return Math.max(V_FRONT + V_SYNC + V_BACK_MIN, forTime, forClock);
}

/** Pixel clock of a mode in units of 10 kHz, the unit of every timing in an EDID. */
export function pixelClock(width: number, height: number, refreshHz: number): number {
  const lines = height + verticalBlankLines(width, height, refreshHz);
  return Math.round((width + H_BLANK) * lines * refreshHz / 10_000);
}

/** Thousands of lines a second, blank ones included. */
export function lineRateKhz(width: number, height: number, refreshHz: number): number {
  return (height + verticalBlankLines(width, height, refreshHz)) * refreshHz / 1000;
}

/** Whether a detailed timing descriptor can hold the mode: 12 bits for a size, 16 bits for the clock (655.35 MHz). */
export function fitsDetailedTiming(width: number, height: number, refreshHz: number): boolean {
  return width <= 0xfff && height <= 0xfff && pixelClock(width, height, refreshHz) <= 0xffff;
}
