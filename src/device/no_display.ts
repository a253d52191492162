import type { Display } from "../display/display.ts";

/** A display that shows nothing: for a device whose picture nobody wants to see. */
export const noDisplay: Display = Object.freeze({
  show() {},
  disable() {},
  setCursor() {},
  moveCursor() {},
});
