import { assertEquals } from "@std/assert";
import { comparePictures } from "./golden.ts";

const picture = { widthPixels: 2, heightPixels: 2, rgba: new Uint8Array(16).fill(9) };

Deno.test("comparePictures finds nothing between equal pictures", () => {
  assertEquals(comparePictures({ ...picture, rgba: picture.rgba.slice() }, picture), undefined);
});

Deno.test("comparePictures counts the pixels that differ and names the first", () => {
  const rgba = picture.rgba.slice();
  rgba[7] = 0; // alpha of the second pixel
  rgba[12] = 0;
  assertEquals(comparePictures({ ...picture, rgba }, picture), "2 of 4 pixels differ, the first at 1,0");
});

Deno.test("comparePictures says both sizes when they differ", () => {
  const actual = { widthPixels: 4, heightPixels: 1, rgba: picture.rgba };
  assertEquals(comparePictures(actual, picture), "The picture is 4x1, the golden one 2x2");
});
