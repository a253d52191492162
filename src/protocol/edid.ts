/**
 * The EDID of a scanout: an EDID 1.4 base block, and for a mode that its timing cannot hold a DisplayID 1.3 extension,
 * which Linux reads too. The base block then prefers that mode halved until it fits, for a guest that reads no more.
 * (QEMU leaves its base block without a preferred timing then, which EDID 1.4 does not allow.)
 */

import { writeDisplayId } from "./display_id.ts";
import { EDID_BLOCK_BYTES, millimetres, writeChecksum, writeU16 } from "./edid_block.ts";
import {
  fitsDetailedTiming,
  H_BLANK,
  H_FRONT,
  H_SYNC,
  lineRateKhz,
  pixelClock,
  V_FRONT,
  V_SYNC,
  verticalBlankLines,
} from "./edid_timing.ts";

/** What the EDID says of a scanout. */
export interface EdidMonitor {
  /** Preferred width, 1 to 16384. */
  readonly widthPixels: number;
  /** Preferred height, 1 to 16384. */
  readonly heightPixels: number;
  /** Preferred refresh rate, a whole number from 24 to 240; 60 when absent. */
  readonly refreshHz?: number;
  /** Number of the scanout, 0 to 15: it is in the monitor's name and, plus one, its serial number. */
  readonly index: number;
}

/** The most bytes that `writeEdid` writes. */
export const EDID_MAX_BYTES: number = 2 * EDID_BLOCK_BYTES;

/**
 * Writes the EDID of `monitor` into `bytes` from `at` and returns how many bytes it wrote: 128, or 256 with the
 * extension; every one of them. The physical size is that of 96 dots per inch. Throws a RangeError for a monitor outside
 * the ranges of `EdidMonitor`. Virtio 1.4, 5.7.6.8 (GET_EDID).
 */
export function writeEdid(bytes: Uint8Array, at: number, monitor: EdidMonitor): number {
  const { widthPixels, heightPixels, refreshHz = 60, index } = monitor;
  checkRange("widthPixels", widthPixels, 1, 16384);
  checkRange("heightPixels", heightPixels, 1, 16384);
  checkRange("refreshHz", refreshHz, 24, 240);
  checkRange("index", index, 0, 15);

  const needsExtension = !fitsDetailedTiming(widthPixels, heightPixels, refreshHz);
  writeBaseBlock(bytes, at, monitor, refreshHz, needsExtension);
  if (!needsExtension) return EDID_BLOCK_BYTES;
  writeDisplayId(bytes, at + EDID_BLOCK_BYTES, monitor, refreshHz, index + 1);
  return EDID_MAX_BYTES;
}

/*
 *   0 header     8 vendor, product, serial, year   18 version   20 input, size, gamma, features   25 colours
 *  35 established timings   38 standard timings   54 72 90 108 descriptors   126 extensions   127 checksum
 */

// Vendor "SCU" (three letters of 5 bits, free in the list of PNP ids), product 1, serial, model year 2026, EDID 1.4.
const IDENTITY = [0x4c, 0x75, 1, 0, 0, 0, 0, 0, 0xff, 2026 - 1990, 1, 4];

// Digital input of 8 bits a colour over no named interface; size; gamma 2.2; features; the primaries of sRGB.
const DISPLAY = [0xa0, 0, 0, 120, 0, 0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54];
const FEATURE_SRGB = 0x04;
const FEATURE_PREFERRED_IS_NATIVE = 0x02;

// Other modes to choose from, all at 60 Hz: 640x480, 800x600, 1024x768; then as standard timings 1280x720, 1280x800,
// 1280x1024, 1440x900, 1600x1200, 1680x1050, 1920x1080, 1920x1200.
const ESTABLISHED = [0x21, 0x08, 0x00];
const STANDARD = [0x81, 0xc0, 0x81, 0, 0x81, 0x80, 0x95, 0, 0xa9, 0x40, 0xb3, 0, 0xd1, 0xc0, 0xd1, 0];
const LOWEST_LINE_KHZ = 31; // of 640x480
const HIGHEST_LINE_KHZ = 75; // of 1600x1200
const HIGHEST_CLOCK = 19_325; // of 1920x1200, in 10 kHz

const NAME = [0x53, 0x63, 0x61, 0x6e, 0x6f, 0x75, 0x74, 0x20]; // "Scanout "

const TAG_DUMMY = 0x10;
const TAG_NAME = 0xfc;
const TAG_RANGE_LIMITS = 0xfd;

function writeBaseBlock(bytes: Uint8Array, at: number, monitor: EdidMonitor, refreshHz: number, hasExtension: boolean) {
  bytes.fill(0, at, at + EDID_BLOCK_BYTES);
  bytes.fill(0xff, at + 1, at + 7);
  bytes.set(IDENTITY, at + 8);
  bytes[at + 12] = monitor.index + 1; // 0 would say that there is no serial number
  bytes.set(DISPLAY, at + 20);
  writeSizeCentimetres(bytes, at + 21, monitor);
  bytes[at + 24] = hasExtension ? FEATURE_SRGB : FEATURE_SRGB | FEATURE_PREFERRED_IS_NATIVE;
  bytes.set(ESTABLISHED, at + 35);
  bytes.set(STANDARD, at + 38);
  writePreferredTiming(bytes, at + 54, monitor, refreshHz);
  writeRangeLimits(bytes, at + 72, monitor, refreshHz, hasExtension);
  writeName(bytes, at + 90, monitor.index);
  bytes[at + 108 + 3] = TAG_DUMMY;
  bytes[at + 126] = hasExtension ? 1 : 0;
  writeChecksum(bytes, at, at + EDID_BLOCK_BYTES - 1);
}

function writeSizeCentimetres(bytes: Uint8Array, at: number, monitor: EdidMonitor) {
  if (!isPhysicalSizeKnown(monitor)) return;
  bytes[at] = Math.round(millimetres(monitor.widthPixels) / 10);
  bytes[at + 1] = Math.round(millimetres(monitor.heightPixels) / 10);
}

/** The first descriptor: a detailed timing of the mode itself, or of the mode halved until it fits. */
function writePreferredTiming(bytes: Uint8Array, at: number, monitor: EdidMonitor, refreshHz: number) {
  let width = monitor.widthPixels;
  let height = monitor.heightPixels;
  while (!fitsDetailedTiming(width, height, refreshHz)) {
    width = Math.max(1, width >> 1);
    height = Math.max(1, height >> 1);
  }
  writeU16(bytes, at, pixelClock(width, height, refreshHz));
  writeTwelveBitPair(bytes, at + 2, width, H_BLANK);
  writeTwelveBitPair(bytes, at + 5, height, verticalBlankLines(width, height, refreshHz));
  bytes[at + 8] = H_FRONT;
  bytes[at + 9] = H_SYNC;
  bytes[at + 10] = V_FRONT << 4 | V_SYNC;
  bytes[at + 17] = 0x1a; // separate digital syncs, the horizontal one positive, the vertical one negative
  if (!isPhysicalSizeKnown(monitor)) return;
  writeTwelveBitPair(bytes, at + 12, millimetres(monitor.widthPixels), millimetres(monitor.heightPixels));
}

/** Two low bytes, then one byte of both high halves. */
function writeTwelveBitPair(bytes: Uint8Array, at: number, first: number, second: number) {
  bytes[at] = first;
  bytes[at + 1] = second;
  bytes[at + 2] = first >> 8 << 4 | second >> 8;
}

/** Limits that hold for every mode of the block, or a dummy for a mode that is beyond what the descriptor can say. */
function writeRangeLimits(
  bytes: Uint8Array,
  at: number,
  monitor: EdidMonitor,
  refreshHz: number,
  hasExtension: boolean,
) {
  const { widthPixels, heightPixels } = monitor;
  const lineKhz = lineRateKhz(widthPixels, heightPixels, refreshHz);
  const maxLineKhz = Math.max(HIGHEST_LINE_KHZ, Math.ceil(lineKhz));
  const clock = Math.max(HIGHEST_CLOCK, pixelClock(widthPixels, heightPixels, refreshHz));
  bytes[at + 3] = TAG_DUMMY;
  if (hasExtension || maxLineKhz > 2 * 255) return;

  bytes[at + 3] = TAG_RANGE_LIMITS;
  bytes[at + 4] = maxLineKhz > 255 ? 0x08 : 0; // 255 is to be added to the highest line rate
  bytes[at + 5] = Math.min(50, refreshHz);
  bytes[at + 6] = Math.max(75, refreshHz);
  bytes[at + 7] = Math.min(LOWEST_LINE_KHZ, Math.floor(lineKhz));
  bytes[at + 8] = maxLineKhz > 255 ? maxLineKhz - 255 : maxLineKhz;
  bytes[at + 9] = Math.ceil(clock / 1000);
  bytes[at + 10] = 0x01; // limits alone, no timing formula
  bytes[at + 11] = 0x0a;
  bytes.fill(0x20, at + 12, at + 18);
}

/** "Scanout N", ended by a line feed and padded with spaces. */
function writeName(bytes: Uint8Array, at: number, index: number) {
  let end = at + 5 + NAME.length;
  bytes[at + 3] = TAG_NAME;
  bytes.fill(0x20, at + 5, at + 18);
  bytes.set(NAME, at + 5);
  if (index >= 10) bytes[end++] = 0x31;
  bytes[end++] = 0x30 + index % 10;
  bytes[end] = 0x0a;
}

/** A size is one byte of centimetres, and readers doubt less than 10: outside of that it is left out, not made up. */
function isPhysicalSizeKnown(monitor: EdidMonitor): boolean {
  const smaller = millimetres(Math.min(monitor.widthPixels, monitor.heightPixels));
  const larger = millimetres(Math.max(monitor.widthPixels, monitor.heightPixels));
  return smaller >= 100 && larger <= 2550;
}

function checkRange(name: string, value: number, min: number, max: number) {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new RangeError(`Cannot write an EDID: ${name} must be a whole number from ${min} to ${max}, got ${value}`);
}
