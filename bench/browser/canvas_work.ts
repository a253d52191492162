/** What this thread has asked of canvases and of the screen since the counting began. */
export interface CanvasWork {
  /** Calls of a 2D context's methods, and values given to its properties or to a canvas's size. */
  calls: number;
  /** Callbacks that were registered for the screen's frames. */
  frameRequests: number;
  /** Frames of the screen in which pixels were put on a canvas. */
  pictures: number;
  /** Pixels that were put there, in these frames and between them. */
  pixels: number;
  /** Time spent in the callbacks of the screen's frames, in milliseconds. */
  milliseconds: number;
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

const CLASSES = [
  "CanvasRenderingContext2D",
  "OffscreenCanvasRenderingContext2D",
  "HTMLCanvasElement",
  "OffscreenCanvas",
];

/**
 * Counts from now on what is done on any canvas of this thread, by wrapping what canvases are made of and
 * `requestAnimationFrame`. To be called once, before anybody keeps one of these functions.
 */
export function countCanvasWork(): CanvasWork {
  const work: CanvasWork = { calls: 0, frameRequests: 0, pictures: 0, pixels: 0, milliseconds: 0 };
  for (const name of CLASSES) {
    const { prototype } = (globalThis as unknown as Record<string, { prototype: object } | undefined>)[name] ?? {};
    if (prototype !== undefined) countClass(work, prototype);
  }
  countFrames(work);
  return work;
}

function countClass(work: CanvasWork, prototype: object): void {
  const properties = Object.getOwnPropertyDescriptors(prototype) as Record<string, PropertyDescriptor>;
  for (const [name, property] of Object.entries(properties)) {
    const { set, value } = property;
    const changed = { ...property };
    if (set !== undefined) changed.set = counted(work, set);
    if (typeof value === "function" && name !== "constructor") changed.value = counted(work, value as Method);
    if (property.configurable) Object.defineProperty(prototype, name, changed);
  }
}

function counted(work: CanvasWork, method: Method): Method {
  return function (...args) {
    work.calls++;
    return method.apply(this, args);
  };
}

/** A picture is whatever is put in one of the screen's frames: `putImageData` is called once for each damaged part. */
function countFrames(work: CanvasWork): void {
  const request = globalThis.requestAnimationFrame;
  let frame = 0;
  let shownFrame = -1;
  globalThis.requestAnimationFrame = (callback) => {
    work.frameRequests++;
    return request((time) => {
      const started = performance.now();
      frame = time;
      callback(time);
      work.milliseconds += performance.now() - started;
    });
  };
  onPut((pixels) => {
    work.pixels += pixels;
    if (frame !== shownFrame) work.pictures++;
    shownFrame = frame;
  });
}

/** Calls `onPixels` with the number of pixels of each `putImageData`. */
function onPut(onPixels: (pixels: number) => void): void {
  for (const name of CLASSES.slice(0, 2)) {
    const { prototype } = (globalThis as unknown as Record<string, { prototype: CanvasImageData } | undefined>)[name] ??
      {};
    if (prototype === undefined) continue;
    const put = prototype.putImageData as Method;
    prototype.putImageData = function (...args: unknown[]) {
      const [image, , , , , width, height] = args as [ImageData, ...(number | undefined)[]];
      onPixels((width ?? image.width) * (height ?? image.height));
      return put.apply(this, args);
    };
  }
}
