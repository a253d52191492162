import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { type FileMapping, MemoryMap, type MemoryMapOptions } from "../../../src/hosts/deno/memory_map.ts";
import { makeMemoryFile } from "../../../src/hosts/deno/memory_file.ts";
import { F_ADD_SEALS, F_GET_SEALS, F_SEAL_SEAL, F_SEAL_SHRINK } from "../../../src/hosts/deno/linux_abi.ts";
import { instantiateKernels } from "../../../src/wasm/kernels.ts";
import { MoreLibc } from "../../support/more_libc.ts";
import { LinuxPieces } from "./linux_pieces.ts";
import { testOnLinux } from "./on_linux.ts";

const PAGE = 4096;

class MapPieces {
  readonly linux = new LinuxPieces();
  readonly memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  readonly warnings: string[] = [];
  readonly map: MemoryMap;

  constructor(options: Partial<MemoryMapOptions> = {}) {
    const { libc, fds } = this.linux;
    const warn = (message: string) => this.warnings.push(message);
    this.map = new MemoryMap(libc, fds, this.memory, { requiresSeals: false, warn, ...options });
  }

  /** A file in memory of `sizeBytes` bytes, of which each says in which page it is. */
  file(sizeBytes: number): number {
    const fd = this.linux.own(makeMemoryFile(this.linux.libc, "test", sizeBytes));
    const bytes = Uint8Array.from({ length: sizeBytes }, (_, index) => 1 + Math.floor(index / PAGE));
    this.linux.libc.calls.write(fd, bytes, BigInt(sizeBytes));
    return fd;
  }

  /** Maps what must be mapped. */
  place(fd: number, fileOffset: number, sizeBytes: number): FileMapping {
    const mapping = this.map.map(fd, fileOffset, sizeBytes);
    assert(typeof mapping === "object", String(mapping));
    return mapping;
  }

  bytes({ offset }: FileMapping, count: number): Uint8Array {
    return new Uint8Array(this.memory.buffer).slice(offset, offset + count);
  }

  [Symbol.dispose](): void {
    this.linux[Symbol.dispose]();
  }
}

function openFile(pieces: MapPieces, path: string, flags: 0 | 2): number {
  const libc = new MoreLibc();
  const fd = pieces.linux.own(libc.openFile(path, flags));
  libc.close();
  return fd;
}

/** The lines of this process's table of mappings that name the files of these tests. */
function mappedFiles(): string[] {
  return Deno.readTextFileSync("/proc/self/maps").split("\n").filter((line) => line.includes("memfd:test"));
}

testOnLinux("a file that is mapped is the same bytes on both sides", () => {
  using pieces = new MapPieces();
  const fd = pieces.file(3 * PAGE);

  const { offset } = pieces.place(fd, 0, 3 * PAGE);
  const other = pieces.place(fd, PAGE, PAGE);

  const bytes = new Uint8Array(pieces.memory.buffer);
  assertEquals([bytes[offset], bytes[offset + PAGE], bytes[offset + 3 * PAGE - 1]], [1, 2, 3]);
  bytes[offset + PAGE + 5] = 99;
  assertEquals(bytes[other.offset + 5], 99);
});

testOnLinux("kernels move bytes between a mapped file and the rest of the memory", async () => {
  using pieces = new MapPieces();
  const { offset } = pieces.place(pieces.file(2 * PAGE), 0, 2 * PAGE);
  const kernels = await instantiateKernels(pieces.memory);
  const [segments, target] = [1024, 2048];
  new Uint32Array(pieces.memory.buffer).set([0, offset + PAGE - 2, 4, 0], segments / 4);

  assertEquals(kernels.gatherBytes(segments, 1, 0, target, 4), 0);

  assertEquals(pieces.bytes({ offset: target }, 4), new Uint8Array([1, 1, 2, 2]));
});

testOnLinux("a file stays where it is while the memory grows", () => {
  using pieces = new MapPieces();
  const mapping = pieces.place(pieces.file(PAGE), 0, PAGE);

  pieces.memory.grow(4096);

  assertEquals(pieces.bytes(mapping, 2), new Uint8Array([1, 1]));
});

testOnLinux("a mapping outlives the descriptor", () => {
  using pieces = new MapPieces();
  const { libc, fds } = pieces.linux;
  const fd = makeMemoryFile(libc, "test", PAGE);
  libc.calls.write(fd, new Uint8Array([7]), 1n);
  const mapping = pieces.place(fd, 0, PAGE);

  fds.close(fd);

  assertEquals(pieces.bytes(mapping, 1), new Uint8Array([7]));
});

testOnLinux("what begins and ends within a page is found", () => {
  using pieces = new MapPieces();

  const mapping = pieces.place(pieces.file(3 * PAGE), PAGE - 1, PAGE + 2);

  assertEquals(pieces.bytes(mapping, PAGE + 2), new Uint8Array([1, ...new Array(PAGE).fill(2), 3]));
});

testOnLinux("what is unmapped reads zero, leaves no mapping, and its range is used again", () => {
  using pieces = new MapPieces();
  const fd = pieces.file(PAGE);
  const before = mappedFiles().length;
  const mapping = pieces.place(fd, 0, PAGE);
  assertEquals([mappedFiles().length, pieces.map.mappedBytes], [before + 1, PAGE]);

  pieces.map.unmap(mapping);

  assertEquals(pieces.bytes(mapping, PAGE), new Uint8Array(PAGE));
  assertEquals([mappedFiles().length, pieces.map.mappedBytes], [before, 0]);
  assertEquals(pieces.place(fd, 0, PAGE).offset, mapping.offset);
  assertThrows(() => pieces.map.unmap(mapping), Error, "nothing is mapped there");
});

testOnLinux("a thousand mappings leave neither mappings nor memory behind", () => {
  using pieces = new MapPieces();
  const fd = pieces.file(4 * PAGE);
  const lines = () => Deno.readTextFileSync("/proc/self/maps").split("\n").length;
  pieces.map.unmap(pieces.place(fd, 0, 4 * PAGE));
  const [linesBefore, bytesBefore] = [lines(), pieces.memory.buffer.byteLength];

  for (let count = 0; count < 1000; count++) {
    const both = [pieces.place(fd, 0, 2 * PAGE), pieces.place(fd, 2 * PAGE, 2 * PAGE)];
    for (const mapping of both) pieces.map.unmap(mapping);
  }

  assertEquals(pieces.memory.buffer.byteLength, bytesBefore);
  assert(lines() <= linesBefore + 200); // the engine has mappings of its own that come and go; a leak would be 2000
});

testOnLinux("whether a descriptor is the file of a mapping", () => {
  using pieces = new MapPieces();
  const [fd, other] = [pieces.file(PAGE), pieces.file(PAGE)];
  const mapping = pieces.place(fd, 0, PAGE);
  const again = Deno.openSync(`/proc/self/fd/${fd}`);

  assertEquals([pieces.map.isOf(mapping, fd), pieces.map.isOf(mapping, other)], [true, false]);
  again.close();
});

const REFUSED: [why: string, fileOffset: number, sizeBytes: number][] = [
  ["ends behind the file", PAGE, 2 * PAGE],
  ["ends one byte behind the file", 1, 2 * PAGE],
  ["begins behind the file", 2 ** 40, PAGE],
  ["has no length", 0, 0],
  ["has the largest length", 0, 2 ** 53],
  ["begins at the largest offset", 2 ** 53, 1],
];
for (const [why, fileOffset, sizeBytes] of REFUSED) {
  testOnLinux(`a range that ${why} is refused`, () => {
    using pieces = new MapPieces();
    const fd = pieces.file(2 * PAGE);

    assertMatch(String(pieces.map.map(fd, fileOffset, sizeBytes)), /not in the file, which has 8192$/);

    assertEquals(pieces.map.mappedBytes, 0);
  });
}

testOnLinux("what is no file, or cannot be written, is refused, and its range stays usable", () => {
  using pieces = new MapPieces();
  const fd = pieces.file(PAGE);
  const readOnly = openFile(pieces, `/proc/self/fd/${fd}`, 0);

  assertEquals(pieces.map.map(pieces.linux.event(), 0, PAGE), "guest memory must be a file that can be mapped");
  assertEquals(pieces.map.map(12345, 0, PAGE), "guest memory must be a file that can be mapped");
  assertEquals(pieces.map.map(readOnly, 0, PAGE), "the file cannot be mapped: Permission denied");
  const mapping = pieces.place(fd, 0, PAGE);
  assertEquals([mapping.offset, pieces.bytes(mapping, 1)[0]], [65536, 1]);
});

testOnLinux("a guest whose RAM does not fit into one memory is refused, and says so", () => {
  using pieces = new MapPieces();
  const gibibyte = 2 ** 30;
  const fd = pieces.linux.own(makeMemoryFile(pieces.linux.libc, "test", 5 * gibibyte));

  assertMatch(String(pieces.map.map(fd, 0, 5 * gibibyte)), /do not fit.* about 3.9 GiB$/);
  pieces.place(fd, gibibyte, 3 * gibibyte);
  assertMatch(String(pieces.map.map(fd, 0, gibibyte)), /do not fit: 3221225472 are mapped/);
  pieces.place(fd, 0, gibibyte - 65536);
});

testOnLinux("a file in memory is sealed, so that nobody can shorten it", () => {
  using pieces = new MapPieces({ requiresSeals: true });
  const { calls } = pieces.linux.libc;
  const fd = pieces.file(2 * PAGE);
  pieces.place(fd, 0, 2 * PAGE);

  assertEquals(calls.fcntl(fd, F_GET_SEALS, 0), F_SEAL_SHRINK);
  assertEquals(calls.ftruncate(fd, 0n), -1);
  assertEquals(pieces.warnings, []);
});

testOnLinux("a file that can be shortened is mapped with one warning", () => {
  using pieces = new MapPieces();
  const fd = pieces.file(PAGE);
  pieces.linux.libc.calls.fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL); // it can be sealed no more

  pieces.place(fd, 0, PAGE);
  pieces.place(fd, 0, PAGE);

  assertEquals(pieces.warnings.length, 1);
  assertMatch(pieces.warnings[0]!, /can be shortened/);
});

testOnLinux("a file that can be shortened is refused where seals are required", () => {
  using pieces = new MapPieces({ requiresSeals: true });
  const fd = pieces.file(PAGE);
  pieces.linux.libc.calls.fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL);

  assertMatch(String(pieces.map.map(fd, 0, PAGE)), /seals are required$/);
});

testOnLinux("a file on disk is one that can be shortened", () => {
  using pieces = new MapPieces({ requiresSeals: true });
  const path = Deno.makeTempFileSync();
  Deno.truncateSync(path, PAGE);
  const fd = openFile(pieces, path, 2);
  Deno.removeSync(path);

  assertMatch(String(pieces.map.map(fd, 0, PAGE)), /seals are required$/);
});

testOnLinux(
  "a file that is taken out while its range is kept leaves zeros, and the range is nobody's until it is unmapped",
  () => {
    using pieces = new MapPieces();
    const mapping = pieces.place(pieces.file(PAGE), 0, PAGE);
    pieces.map.vacate(mapping);
    assertEquals([pieces.bytes(mapping, 1)[0], pieces.map.mappedBytes], [0, PAGE]);

    const other = pieces.place(pieces.file(PAGE), 0, PAGE);
    assert(other.offset !== mapping.offset);
    new Uint8Array(pieces.memory.buffer)[mapping.offset] = 9;
    pieces.map.unmap(mapping);

    assertEquals([pieces.bytes(mapping, 1)[0], pieces.bytes(other, 1)[0], pieces.map.mappedBytes], [0, 1, PAGE]);
    assertEquals(pieces.place(pieces.file(PAGE), 0, PAGE).offset, mapping.offset);
    assertThrows(() => pieces.map.vacate(mapping), Error, "nothing is mapped there");
  },
);

testOnLinux("a file that somebody else maps, too, stays where it is when one lets go of it", () => {
  using pieces = new MapPieces();
  const fd = pieces.file(PAGE);
  const [mapping, other] = [pieces.place(fd, 0, PAGE), pieces.place(fd, 0, PAGE)];

  pieces.map.vacate(mapping);
  assertEquals(pieces.bytes(other, 1)[0], 1);
  pieces.map.unmap(other);
  assert(pieces.place(pieces.file(PAGE), 0, PAGE).offset !== mapping.offset);
  pieces.map.unmap(mapping);

  assertEquals(pieces.bytes(mapping, 1)[0], 0);
});
