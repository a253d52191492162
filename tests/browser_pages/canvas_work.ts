/** A script that runs in a page before its own and counts what is done on canvases: `globalThis.canvasWork`. */
import { countCanvasWork } from "../../bench/browser/canvas_work.ts";

const requestFrame = requestAnimationFrame; // before it is counted

/** Resolves after so many frames of the screen. */
async function waitForFrames(count: number): Promise<void> {
  for (let frame = 0; frame < count; frame++) await new Promise(requestFrame);
}

Object.assign(globalThis, { canvasWork: countCanvasWork(), waitForFrames });
