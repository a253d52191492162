import { assertEquals, assertThrows } from "@std/assert";
import { encodePng } from "../../src/display/png_encode.ts";
import { decodePng } from "../support/png.ts";

Deno.test("encodePng writes a file that decodes to the same pixels, from any kind of memory", () => {
  const rgba = new Uint8Array(new SharedArrayBuffer(5 * 3 * 4));
  for (let i = 0; i < rgba.length; i++) rgba[i] = i * 37;

  const file = encodePng(rgba, 5, 3);

  assertEquals([...file.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  assertEquals(decodePng(file), { widthPixels: 5, heightPixels: 3, rgba: new Uint8Array(rgba) });
});

Deno.test("encodePng throws a RangeError when the bytes are not those of the picture", () => {
  assertThrows(() => encodePng(new Uint8Array(16), 2, 3), RangeError, "wanted 24 bytes and at least 4, got 16");
  assertThrows(() => encodePng(new Uint8Array(0), 0, 3), RangeError, "at least 4");
});
