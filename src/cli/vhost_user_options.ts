import { InvalidArgumentError } from "commander";
import { MAX_SIZE_PIXELS, type OutputOptions } from "../device/output.ts";
import { MAX_SCANOUTS } from "../protocol/wire.gen.ts";
import type { HttpAddress } from "./http.ts";

/** The size of a monitor. */
export interface Size {
  readonly widthPixels: number;
  readonly heightPixels: number;
}

const LOOPBACK = "127.0.0.1";
const UNITS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** Reads "1280x800", or several such sizes with commas between them. */
export function parseSizes(text: string): Size[] {
  const sizes = text.split(",").map((part) => {
    const [, width, height] = /^(\d{1,5})x(\d{1,5})$/.exec(part) ?? [];
    return { widthPixels: Number(width), heightPixels: Number(height) };
  });
  const isSize = (pixels: number) => pixels >= 1 && pixels <= MAX_SIZE_PIXELS;
  if (sizes.length > MAX_SCANOUTS || !sizes.every((size) => isSize(size.widthPixels) && isSize(size.heightPixels))) {
    throw new InvalidArgumentError(
      `It must be a width and a height of 1 to ${MAX_SIZE_PIXELS} pixels, such as 1280x800, or several: 1280x800,640x480.`,
    );
  }
  return sizes;
}

/** Reads how many monitors there are at most. */
export function parseMaxOutputs(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > MAX_SCANOUTS) {
    throw new InvalidArgumentError(`It must be a number from 1 to ${MAX_SCANOUTS}.`);
  }
  return count;
}

/** Reads a number of bytes, such as 4096, 4K, 512M or 1G. */
export function parseBytes(text: string): number {
  const [, digits, unit = ""] = /^(\d{1,10})([KMG]?)$/.exec(text) ?? [];
  if (digits === undefined || Number(digits) === 0) {
    throw new InvalidArgumentError("It must be a number of bytes, such as 4096, 4K, 512M or 1G.");
  }
  return Number(digits) * UNITS[unit]!;
}

/** Reads a number of bytes that is a power of two below 2^32. */
export function parseAlignment(text: string): number {
  const bytes = parseBytes(text);
  if (bytes >= 2 ** 32 || !Number.isInteger(Math.log2(bytes))) {
    throw new InvalidArgumentError("It must be a power of two below 4G, such as 4096 or 4K.");
  }
  return bytes;
}

/** Reads the number of a file descriptor. */
export function parseFd(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError("It must be the number of a file descriptor, such as 3.");
  return Number(text);
}

/** Reads "8000", "192.0.2.1:8000" or "[::1]:8000". */
export function parseHttpAddress(text: string): HttpAddress {
  const [, v6, v4, port] = /^(?:\[([\da-fA-F:.]+)\]:|([\d.]+):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65535) {
    throw new InvalidArgumentError("It must be a port, or an IP address and a port: 8000, 192.0.2.1:8000, [::1]:8000.");
  }
  return { hostname: v6 ?? v4 ?? LOOPBACK, port: Number(port) };
}

/** The monitors of a device that may have `maxOutputs` of them: the first ones have `sizes`, the others are not connected. */
export function outputsOf(sizes: readonly Size[], maxOutputs: number): OutputOptions[] {
  return Array.from({ length: maxOutputs }, (_, index) => {
    return { ...(sizes[index] ?? sizes[0]!), isEnabled: index < sizes.length };
  });
}
