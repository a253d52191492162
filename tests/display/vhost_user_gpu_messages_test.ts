/** The messages of the display socket, byte for byte. vhost-user-gpu, Wire format. */

import { assertEquals, assertThrows } from "@std/assert";
import {
  GPU_CURSOR_BYTES,
  GPU_PIXELS_OFFSET,
  writeGetGpuDisplayInfo,
  writeGetGpuEdid,
  writeGetGpuProtocolFeatures,
  writeGpuCursorHead,
  writeGpuCursorPlace,
  writeGpuScanoutSize,
  writeGpuUpdateHead,
  writeSetGpuProtocolFeatures,
} from "../../src/display/vhost_user_gpu_messages.ts";
import { type GpuReply, GpuReplyReader } from "../../src/display/vhost_user_gpu_replies.ts";
import { GpuRequest } from "../../src/display/vhost_user_gpu.gen.ts";
import { RESP_EDID_EDID_OFFSET, writeRespDisplayInfo, writeRespEdid } from "../../src/protocol/wire.gen.ts";

const messages: [name: string, write: (words: Uint32Array) => number, words: number[], bytes: number][] = [
  ["GET_PROTOCOL_FEATURES", writeGetGpuProtocolFeatures, [1, 0, 0], 12],
  ["SET_PROTOCOL_FEATURES", (words) => writeSetGpuProtocolFeatures(words, 1), [2, 0, 8, 1, 0], 20],
  ["GET_DISPLAY_INFO", writeGetGpuDisplayInfo, [3, 0, 0], 12],
  ["GET_EDID", (words) => writeGetGpuEdid(words, 3), [11, 0, 4, 3], 16],
  [
    "CURSOR_POS",
    (words) => writeGpuCursorPlace(words, { scanoutId: 1, x: 20, y: -2 }, true),
    [4, 0, 12, 1, 20, 0xfffffffe],
    24,
  ],
  [
    "CURSOR_POS_HIDE",
    (words) => writeGpuCursorPlace(words, { scanoutId: 1, x: 20, y: 30 }, false),
    [5, 0, 12, 1, 20, 30],
    24,
  ],
  [
    "CURSOR_UPDATE",
    (words) => writeGpuCursorHead(words, { pos: { scanoutId: 1, x: 20, y: 30 }, hotX: 4, hotY: 5 }),
    [6, 0, 20 + 16384, 1, 20, 30, 4, 5],
    32,
  ],
  [
    "SCANOUT",
    (words) => writeGpuScanoutSize(words, { scanoutId: 2, width: 640, height: 480 }),
    [7, 0, 12, 2, 640, 480],
    24,
  ],
  [
    "UPDATE",
    (words) => writeGpuUpdateHead(words, { scanoutId: 2, x: 1, y: 2, width: 30, height: 40 }),
    [8, 0, 20 + 4800, 2, 1, 2, 30, 40],
    GPU_PIXELS_OFFSET,
  ],
];

for (const [name, write, expected, bytes] of messages) {
  Deno.test(`${name} is written as QEMU reads it`, () => {
    const words = new Uint32Array(8).fill(0xeeeeeeee);

    assertEquals(write(words), bytes);

    assertEquals([...words.subarray(0, expected.length)], expected);
    assertEquals(words.subarray(expected.length).every((word) => word === 0xeeeeeeee), true);
  });
}

Deno.test("A cursor's picture has 64 by 64 pixels of 4 bytes", () => {
  assertEquals(GPU_CURSOR_BYTES, 64 * 64 * 4);
});

/** A message of the front end: its header, and a payload of `sizeBytes` bytes that `write` fills. */
function message(
  request: number,
  sizeBytes: number,
  write: (words: Uint32Array) => void = () => {},
  flags = 4,
): Uint8Array {
  const words = new Uint32Array(3 + Math.ceil(sizeBytes / 4));
  words.set([request, flags, sizeBytes]);
  write(words.subarray(3));
  return new Uint8Array(words.buffer, 0, 12 + sizeBytes);
}

/** Gives `bytes` to a reader in pieces of at most `pieceBytes`, as it wants them; returns all that it made of them. */
function readAll(bytes: Uint8Array, pieceBytes = Infinity): (GpuReply | string)[] {
  const reader = new GpuReplyReader();
  const replies: (GpuReply | string)[] = [];
  for (let at = 0; at < bytes.length;) {
    const piece = bytes.subarray(at, at + Math.min(reader.wantedBytes, pieceBytes));
    const reply = reader.take(piece);
    if (reply !== undefined) replies.push(reply);
    at += piece.length;
  }
  return replies;
}

const features = message(GpuRequest.GetProtocolFeatures, 8, (words) => words.set([3, 0]));
const displayInfo = message(GpuRequest.GetDisplayInfo, 408, (words) => {
  const pmodes = Array.from({ length: 16 }, (_, index) => {
    return { rect: { x: 0, y: 0, width: 100 + index, height: 50 }, enabled: index === 0 ? 1 : 0, flags: 0 };
  });
  writeRespDisplayInfo(words, 0, { pmodes });
});
const edid = message(GpuRequest.GetEdid, 1056, (words) => {
  writeRespEdid(words, 0, { size: 256 });
  new Uint8Array(words.buffer, words.byteOffset + RESP_EDID_EDID_OFFSET, 256).fill(0x5a);
});

Deno.test("GpuReplyReader reads the three replies, however the stream is cut", () => {
  const stream = Uint8Array.of(...features, ...displayInfo, ...edid);
  for (const pieceBytes of [1, 7, 100, Infinity]) {
    const [first, second, third] = readAll(stream, pieceBytes) as GpuReply[];

    assertEquals(first, { request: GpuRequest.GetProtocolFeatures, featuresLow: 3 });
    assertEquals(second && "displayInfo" in second && second.displayInfo.pmodes[1]?.rect.width, 101);
    assertEquals(third, { request: GpuRequest.GetEdid, edid: new Uint8Array(256).fill(0x5a) });
  }
});

Deno.test("GpuReplyReader cuts an EDID that claims to be longer than there is room for", () => {
  const [reply] = readAll(message(GpuRequest.GetEdid, 1056, (words) => writeRespEdid(words, 0, { size: 0xffffffff })));

  assertEquals(typeof reply === "object" && "edid" in reply && reply.edid.length, 1024);
});

const wrong: [name: string, bytes: Uint8Array][] = [
  ["that is no reply", message(GpuRequest.GetDisplayInfo, 408, undefined, 0)],
  ["to a request that has none", message(GpuRequest.Scanout, 0)],
  ["of an unknown number", message(99, 8)],
  ["of another size", message(GpuRequest.GetProtocolFeatures, 4)],
  ["of 4 GiB", message(GpuRequest.GetEdid, 0).fill(0xff, 8, 12)],
];

for (const [name, bytes] of wrong) {
  Deno.test(`GpuReplyReader does not go on after a message ${name}`, () => {
    assertEquals(typeof new GpuReplyReader().take(bytes.subarray(0, 12)), "string");
  });
}

Deno.test("GpuReplyReader.take throws RangeError for more bytes than it wants", () => {
  assertThrows(() => new GpuReplyReader().take(new Uint8Array(13)), RangeError, "Cannot take 13 bytes of a reply");
});
