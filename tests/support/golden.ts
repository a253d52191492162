/**
 * Golden files: results that somebody has looked at, in tests/golden/. `UPDATE_GOLDEN=1 deno task test`, or
 * `deno task test -- --update`, rewrites them; what changed is then in the diff, for a review.
 */

import { encodePng } from "../../src/display/png_encode.ts";
import { fail } from "@std/assert";
import { decodePng, type Picture } from "./png.ts";

const GOLDEN = new URL("../golden/", import.meta.url);
const OUT = new URL("../../out/", import.meta.url);

/**
 * Asserts that a picture has exactly the pixels of tests/golden/`name`.png. On a mismatch the picture is written to
 * out/`name`.actual.png.
 */
export function assertGoldenPng(name: string, rgba: Uint8Array, widthPixels: number, heightPixels: number): void {
  const file = `${name}.png`;
  if (isUpdate()) return write(GOLDEN, file, encodePng(rgba, widthPixels, heightPixels));
  const problem = comparePictures({ widthPixels, heightPixels, rgba }, decodePng(readGolden(file)));
  if (problem === undefined) return;
  write(OUT, `${name}.actual.png`, encodePng(rgba, widthPixels, heightPixels));
  fail(`${problem}; compare out/${name}.actual.png with tests/golden/${file}`);
}

/** Asserts that `value`, as JSON, is tests/golden/`name`.json. On a mismatch it is written to out/`name`.actual.json. */
export function assertGoldenJson(name: string, value: unknown): void {
  const file = `${name}.json`;
  const text = JSON.stringify(value, null, 2) + "\n";
  const bytes = new TextEncoder().encode(text);
  if (isUpdate()) return write(GOLDEN, file, bytes);
  if (new TextDecoder().decode(readGolden(file)) === text) return;
  write(OUT, `${name}.actual.json`, bytes);
  fail(`The value differs; compare out/${name}.actual.json with tests/golden/${file}`);
}

/** What differs between two pictures, in words; undefined when nothing does. */
export function comparePictures(actual: Picture, golden: Picture): string | undefined {
  if (actual.widthPixels !== golden.widthPixels || actual.heightPixels !== golden.heightPixels) {
    const size = `${actual.widthPixels}x${actual.heightPixels}`;
    return `The picture is ${size}, the golden one ${golden.widthPixels}x${golden.heightPixels}`;
  }
  const different = differentPixels(actual.rgba, golden.rgba);
  if (different.length === 0) return undefined;
  const x = different[0]! % golden.widthPixels;
  const y = Math.floor(different[0]! / golden.widthPixels);
  return `${different.length} of ${golden.rgba.length / 4} pixels differ, the first at ${x},${y}`;
}

function differentPixels(actual: Uint8Array, golden: Uint8Array): number[] {
  const different: number[] = [];
  for (let i = 0; i < golden.length; i += 4) {
    const isSame = actual[i] === golden[i] && actual[i + 1] === golden[i + 1] && actual[i + 2] === golden[i + 2] &&
      actual[i + 3] === golden[i + 3];
    if (!isSame) different.push(i / 4);
  }
  return different;
}

function isUpdate(): boolean {
  return Deno.args.includes("--update") || Deno.env.get("UPDATE_GOLDEN") === "1";
}

function readGolden(file: string): Uint8Array {
  try {
    return Deno.readFileSync(new URL(file, GOLDEN));
  } catch {
    fail(`There is no tests/golden/${file}: run the test with --update, then look at the file`);
  }
}

function write(folder: URL, file: string, bytes: Uint8Array) {
  Deno.mkdirSync(new URL(".", new URL(file, folder)), { recursive: true });
  Deno.writeFileSync(new URL(file, folder), bytes);
}
