/** The DisplayID 1.3 section of an EDID: it holds a mode that is too large for the base block. */

import { EDID_BLOCK_BYTES, millimetres, writeChecksum, writeU16 } from "./edid_block.ts";
import { H_BLANK, H_FRONT, H_SYNC, pixelClock, V_FRONT, V_SYNC, verticalBlankLines } from "./edid_timing.ts";

/*
 *  0 tag   1 version, bytes of data, product type, further sections   5 data blocks   71 checksum   127 checksum
 *
 *  Each data block is a tag, a revision, a length and its data. All four are demanded of a stand-alone display.
 */
const PRODUCT = 5;
const PARAMETERS = 20;
const TIMING = 35;
const INTERFACE = 58;
const SECTION_CHECKSUM = 71;

const VENDOR = [0x53, 0x43, 0x55]; // "SCU", as in the base block

/**
 * Writes the 128-byte extension block at `at`, every byte of it. Sizes are from 1 to 16384 pixels, `serial` is that of
 * the base block.
 */
export function writeDisplayId(
  bytes: Uint8Array,
  at: number,
  mode: { readonly widthPixels: number; readonly heightPixels: number },
  refreshHz: number,
  serial: number,
): void {
  bytes.fill(0, at, at + EDID_BLOCK_BYTES);
  bytes[at] = 0x70;
  bytes[at + 1] = 0x13;
  bytes[at + 2] = SECTION_CHECKSUM - PRODUCT;
  bytes[at + 3] = 3; // a stand-alone display
  writeProduct(bytes, at + PRODUCT, serial);
  writeParameters(bytes, at + PARAMETERS, mode.widthPixels, mode.heightPixels);
  writeTiming(bytes, at + TIMING, mode.widthPixels, mode.heightPixels, refreshHz);
  writeInterface(bytes, at + INTERFACE);
  writeChecksum(bytes, at + 1, at + SECTION_CHECKSUM);
  writeChecksum(bytes, at, at + EDID_BLOCK_BYTES - 1);
}

function writeProduct(bytes: Uint8Array, at: number, serial: number) {
  bytes[at + 2] = 12;
  bytes.set(VENDOR, at + 3);
  bytes[at + 6] = 1; // product
  bytes[at + 8] = serial;
  bytes[at + 12] = 0xff; // model year
  bytes[at + 13] = 2026 - 2000;
}

function writeParameters(bytes: Uint8Array, at: number, width: number, height: number) {
  const aspectPercent = Math.round(100 * width / height);
  bytes[at] = 1;
  bytes[at + 2] = 12;
  writeU16(bytes, at + 3, Math.round(10 * millimetres(width)));
  writeU16(bytes, at + 5, Math.round(10 * millimetres(height)));
  writeU16(bytes, at + 7, width);
  writeU16(bytes, at + 9, height);
  bytes[at + 12] = 120; // gamma 2.2
  bytes[at + 13] = Math.min(255, Math.max(0, aspectPercent - 100));
  bytes[at + 14] = 0x77; // 8 bits a colour
}

/** A type I timing: clock, flags, then eight sizes; all but the flags are stored less one. */
function writeTiming(bytes: Uint8Array, at: number, width: number, height: number, refreshHz: number) {
  const clock = pixelClock(width, height, refreshHz) - 1;
  bytes[at] = 3;
  bytes[at + 2] = 20;
  writeU16(bytes, at + 3, clock);
  bytes[at + 5] = clock >> 16;
  bytes[at + 6] = 0x88; // preferred, no named aspect ratio
  writeU16(bytes, at + 7, width - 1);
  writeU16(bytes, at + 9, H_BLANK - 1);
  writeU16(bytes, at + 11, H_FRONT - 1 | 0x8000); // positive sync
  writeU16(bytes, at + 13, H_SYNC - 1);
  writeU16(bytes, at + 15, height - 1);
  writeU16(bytes, at + 17, verticalBlankLines(width, height, refreshHz) - 1);
  writeU16(bytes, at + 19, V_FRONT - 1);
  writeU16(bytes, at + 21, V_SYNC - 1);
}

function writeInterface(bytes: Uint8Array, at: number) {
  bytes[at] = 0x0f;
  bytes[at + 2] = 10;
  bytes[at + 3] = 0xb1; // a digital interface of no standard, one link
  bytes[at + 5] = 0x02; // RGB of 8 bits a colour
}
