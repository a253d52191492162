import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { dirname, join } from "node:path";
import { libraryClosure, neededLibraries } from "../../../build/guest/library_closure.ts";

const HEADER_BYTES = 52;
const SEGMENT_BYTES = 32;
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_SONAME = 14;
/** Where the file is loaded, so that an address is not an offset. */
const LOAD_ADDRESS = 0x8048000;

Deno.test("neededLibraries names the libraries of a program in their order, and not the library's own name", () => {
  const file = elfFile(["libc.so.6", "libm.so.6"], "libown.so.1");
  assertEquals(neededLibraries(file), ["libc.so.6", "libm.so.6"]);
});

Deno.test("neededLibraries names none for a static program", () => {
  const file = elfFile(["libc.so.6"]);
  new DataView(file.buffer).setUint16(44, 1, true); // one segment: the one that is loaded
  assertEquals(neededLibraries(file), []);
});

Deno.test("neededLibraries refuses what is no i386 program", () => {
  assertThrows(() => neededLibraries(new TextEncoder().encode("#!/bin/sh\n")), TypeError, "no i386 ELF file");
  const wide = elfFile([]);
  wide[4] = 2; // 64 bits
  assertThrows(() => neededLibraries(wide), TypeError, "no i386 ELF file");
});

Deno.test("libraryClosure follows what libraries need, each once, from the first folder that has it", async () => {
  await withFiles({
    "bin/top": ["libleft.so", "libright.so"],
    "lib/libleft.so": ["libbase.so"],
    "lib/libright.so": ["libbase.so", "libleft.so"],
    "lib/libbase.so": [],
    "own/libbase.so": [],
    "own/libother.so": [],
  }, async (root) => {
    const closure = await libraryClosure(root, ["bin/top"], ["own", "lib"]);
    assertEquals(closure, ["bin/top", "lib/libleft.so", "lib/libright.so", "own/libbase.so"]);
  });
});

Deno.test("libraryClosure says which library is missing and who needs it", async () => {
  await withFiles({ "bin/top": ["libleft.so"], "lib/libleft.so": ["libgone.so.1"] }, async (root) => {
    const closure = libraryClosure(root, ["bin/top"], ["lib"]);
    await assertRejects(() => closure, Error, "Cannot find libgone.so.1, which libleft.so needs, in lib");
  });
});

/** Runs `test` with a folder of programs and libraries, each of which needs the others that are listed. */
async function withFiles(files: Record<string, string[]>, test: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  for (const [path, needed] of Object.entries(files)) {
    await Deno.mkdir(dirname(join(root, path)), { recursive: true });
    await Deno.writeFile(join(root, path), elfFile(needed));
  }
  await test(root).finally(() => Deno.remove(root, { recursive: true }));
}

/**
 * The parts of an ELF file that say what it needs:
 *
 *     header | segment LOAD | segment DYNAMIC | dynamic section | names
 */
function elfFile(needed: readonly string[], ownName = ""): Uint8Array<ArrayBuffer> {
  const names = new TextEncoder().encode(["", ownName, ...needed, ""].join("\0"));
  const dynamicOffset = HEADER_BYTES + 2 * SEGMENT_BYTES;
  const dynamicBytes = (needed.length + 3) * 8;
  const namesOffset = dynamicOffset + dynamicBytes;
  const file = new Uint8Array(namesOffset + names.length);
  const view = new DataView(file.buffer);
  const write = (offset: number, words: number[]) =>
    words.forEach((word, index) => view.setUint32(offset + index * 4, word, true));

  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  view.setUint32(28, HEADER_BYTES, true);
  view.setUint16(44, 2, true);
  write(HEADER_BYTES, [PT_LOAD, 0, LOAD_ADDRESS, LOAD_ADDRESS, file.length, file.length, 5, 0x1000]);
  const dynamic = [PT_DYNAMIC, dynamicOffset, LOAD_ADDRESS + dynamicOffset, 0, dynamicBytes, dynamicBytes, 6, 4];
  write(HEADER_BYTES + SEGMENT_BYTES, dynamic);
  const offsetOf = (name: string) => new TextDecoder("latin1").decode(names).indexOf(`\0${name}\0`) + 1;
  write(dynamicOffset, [
    ...needed.flatMap((name) => [DT_NEEDED, offsetOf(name)]),
    ...[DT_SONAME, offsetOf(ownName), DT_STRTAB, LOAD_ADDRESS + namesOffset, 0, 0],
  ]);
  file.set(names, namesOffset);
  return file;
}
