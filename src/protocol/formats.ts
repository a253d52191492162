/** The eight pixel formats of virtio-gpu, and how a kernel converts them. Virtio 1.4, 5.7.6.8 (RESOURCE_CREATE_2D). */

import { Format } from "./wire.gen.ts";

/** Bytes of a pixel in every format and every layout. */
export const BYTES_PER_PIXEL = 4;

/**
 * What pixels are converted to, as the order of the bytes in memory: `rgba` keeps the alpha of a format that has one,
 * `rgbx` and `bgrx` have 255 there, as a scanout has, behind which nothing is; `asIs` is the format's own order.
 */
export type PixelLayout = "rgba" | "rgbx" | "bgrx" | "asIs";

/** The arguments with which the conversion kernels turn one format into one layout. */
export interface Conversion {
  /** Byte i is the index (0 to 3) of the source byte that goes to target byte i. */
  readonly lanes: number;
  /** What is ORed into each target pixel: 0xff000000 where there is no alpha, else 0. */
  readonly opaque: number;
}

/** What is known of a format. */
export interface PixelFormat {
  /** The wire's number. */
  readonly format: Format;
  /** The specification's name without `_UNORM`: the order of the bytes in memory. */
  readonly name: string;
  /** Whether the fourth channel is an alpha rather than unused. */
  readonly hasAlpha: boolean;
  /** The format of the same order that has an alpha: Linux names a cursor X and fills its alpha all the same. */
  readonly alphaCounterpart: Format;
  /** How to convert to each layout. */
  readonly conversions: Readonly<Record<PixelLayout, Conversion>>;
}

const OPAQUE = 0xff000000;

/** Every format, in the order of the wire's numbers. */
export const PIXEL_FORMATS: readonly PixelFormat[] = [
  describe(Format.B8G8R8A8Unorm, "B8G8R8A8", Format.B8G8R8A8Unorm),
  describe(Format.B8G8R8X8Unorm, "B8G8R8X8", Format.B8G8R8A8Unorm),
  describe(Format.A8R8G8B8Unorm, "A8R8G8B8", Format.A8R8G8B8Unorm),
  describe(Format.X8R8G8B8Unorm, "X8R8G8B8", Format.A8R8G8B8Unorm),
  describe(Format.R8G8B8A8Unorm, "R8G8B8A8", Format.R8G8B8A8Unorm),
  describe(Format.X8B8G8R8Unorm, "X8B8G8R8", Format.A8B8G8R8Unorm),
  describe(Format.A8B8G8R8Unorm, "A8B8G8R8", Format.A8B8G8R8Unorm),
  describe(Format.R8G8B8X8Unorm, "R8G8B8X8", Format.R8G8B8A8Unorm),
];

const BY_NUMBER = new Map<number, PixelFormat>(PIXEL_FORMATS.map((row) => [row.format, row]));

/** Whether `format`, any u32 from a guest, is one of the eight. */
export function isFormat(format: number): format is Format {
  return BY_NUMBER.has(format);
}

/** What is known of `format`. */
export function pixelFormat(format: Format): PixelFormat {
  return BY_NUMBER.get(format)!;
}

/** How to convert pixels of `format` to `layout`. The result is shared: it is never written. */
export function conversionTo(layout: PixelLayout, format: Format): Conversion {
  return pixelFormat(format).conversions[layout];
}

/**
 * The format of the same order whose fourth channel is an alpha: the one in which a cursor is read, whatever it says.
 */
export function alphaCounterpart(format: Format): Format {
  return pixelFormat(format).alphaCounterpart;
}

function describe(format: Format, name: string, alphaCounterpart: Format): PixelFormat {
  const hasAlpha = alphaCounterpart === format;
  const channels = name.replaceAll("8", "").replace("X", "A");
  const opaque = { lanes: lanesOf(channels, "RGBA"), opaque: OPAQUE };
  return {
    format,
    name,
    hasAlpha,
    alphaCounterpart,
    conversions: {
      rgba: { lanes: opaque.lanes, opaque: hasAlpha ? 0 : OPAQUE },
      rgbx: opaque,
      bgrx: { lanes: lanesOf(channels, "BGRA"), opaque: OPAQUE },
      asIs: { lanes: lanesOf(channels, channels), opaque: 0 },
    },
  };
}

function lanesOf(source: string, target: string): number {
  return [...target].reduce((lanes, channel, i) => lanes | source.indexOf(channel) << (8 * i), 0);
}
