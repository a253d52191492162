import { BYTES_PER_PIXEL } from "../../protocol/formats.ts";
import type { PlainValue } from "../../snapshot/plain_value.ts";
import { maxCursorSize } from "../cursor.ts";
import type { Limits } from "../limits.ts";
import type { CursorImageSnapshot, CursorSnapshot } from "./gpu_snapshot.ts";

const MIN_I32 = -0x80000000;
const MAX_I32 = 0x7fffffff;

/** Checks a cursor of a snapshot. Throws `TypeError` or `RangeError` that names what is wrong. */
export function checkCursor(cursor: PlainValue, limits: Limits): CursorSnapshot {
  const image = cursor.field("image");
  return {
    x: cursor.field("x").integer(MIN_I32, MAX_I32),
    y: cursor.field("y").integer(MIN_I32, MAX_I32),
    image: image.isNull ? null : checkImage(image, maxCursorSize(limits)),
  };
}

function checkImage(image: PlainValue, maxSizePixels: number): CursorImageSnapshot {
  const widthPixels = image.field("widthPixels").integer(1, maxSizePixels);
  const heightPixels = image.field("heightPixels").integer(1, maxSizePixels);
  return {
    widthPixels,
    heightPixels,
    hotspotX: image.field("hotspotX").integer(0, widthPixels - 1),
    hotspotY: image.field("hotspotY").integer(0, heightPixels - 1),
    rgba: image.field("rgba").bytesOf(widthPixels * heightPixels * BYTES_PER_PIXEL),
  };
}
