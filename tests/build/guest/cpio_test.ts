import { assertEquals } from "@std/assert";
import { type CpioEntry, writeCpio } from "../../../build/guest/cpio.ts";

const TEXT = new TextEncoder();

/** One of every kind, with names and contents of lengths that need 0 to 3 bytes of padding. */
const ENTRIES: CpioEntry[] = [
  { path: "dev", mode: 0o040755 },
  { path: "dev/console", mode: 0o020600, device: [5, 1] },
  { path: "a", mode: 0o100644, bytes: TEXT.encode("") },
  { path: "ab", mode: 0o100644, bytes: TEXT.encode("1") },
  { path: "abc", mode: 0o100644, bytes: TEXT.encode("12") },
  { path: "abcd", mode: 0o100644, bytes: TEXT.encode("123") },
  { path: "bin/program", mode: 0o100755, bytes: TEXT.encode("1234") },
];

Deno.test("writeCpio writes a newc archive from which the entries are read back", () => {
  const read = readCpio(writeCpio(ENTRIES));

  assertEquals(read.map(({ name }) => name), [...ENTRIES.map(({ path }) => path), "TRAILER!!!"]);
  assertEquals(read.map(({ mode }) => mode), [...ENTRIES.map(({ mode }) => mode), 0]);
  assertEquals(read.map(({ content }) => content), ["", "", "", "1", "12", "123", "1234", ""]);
  assertEquals([read[1]!.deviceMajor, read[1]!.deviceMinor], [5, 1]);
});

Deno.test("writeCpio gives a directory two links and a file one, each an inode of its own, all of root and of time 0", () => {
  const read = readCpio(writeCpio(ENTRIES)).slice(0, ENTRIES.length);

  assertEquals(read.map(({ links }) => links), [2, 1, 1, 1, 1, 1, 1]);
  assertEquals(new Set(read.map(({ inode }) => inode)).size, ENTRIES.length);
  assertEquals(new Set(read.map(({ owner, group, time }) => `${owner} ${group} ${time}`)), new Set(["0 0 0"]));
});

Deno.test("writeCpio gives the same bytes for the same entries", () => {
  assertEquals(writeCpio(ENTRIES), writeCpio(structuredClone(ENTRIES)));
});

Deno.test("writeCpio writes an archive of no entries", () => {
  assertEquals(readCpio(writeCpio([])).map(({ name }) => name), ["TRAILER!!!"]);
});

/** Reads the records up to the end of the archive, in which nothing may be left over. */
function readCpio(archive: Uint8Array) {
  const text = new TextDecoder("latin1").decode(archive);
  const records = [];
  let at = 0;
  while (at < archive.length) {
    assertEquals(text.slice(at, at + 6), "070701");
    const start = at;
    const field = (index: number) => parseInt(text.slice(start + 6 + index * 8, start + 14 + index * 8), 16);
    const contentBytes = field(6);
    const nameBytes = field(11);
    const contentAt = align(start + 110 + nameBytes);
    assertEquals(text[start + 110 + nameBytes - 1], "\0");
    records.push({
      inode: field(0),
      mode: field(1),
      owner: field(2),
      group: field(3),
      links: field(4),
      time: field(5),
      deviceMajor: field(9),
      deviceMinor: field(10),
      name: text.slice(start + 110, start + 110 + nameBytes - 1),
      content: text.slice(contentAt, contentAt + contentBytes),
    });
    at = align(contentAt + contentBytes);
  }
  assertEquals(at, archive.length);
  return records;
}

function align(offset: number): number {
  return Math.ceil(offset / 4) * 4;
}
