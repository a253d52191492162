import { assert, assertEquals, assertMatch } from "@std/assert";
import { FileWindow } from "../../../src/hosts/deno/file_window.ts";
import { F_ADD_SEALS, F_SEAL_SHRINK } from "../../../src/hosts/deno/linux_abi.ts";
import { MemoryMap } from "../../../src/hosts/deno/memory_map.ts";
import { LATER } from "../../../src/protocol/outcome.ts";
import { Reasons } from "../../../src/protocol/reasons.ts";
import type { SharedMemoryWindow } from "../../../src/transport/vhost_user/host.ts";
import { descriptorCount, LinuxPieces } from "./linux_pieces.ts";
import { testOnLinux } from "./on_linux.ts";

const PAGE = 4096;
const MIB = 1024 * 1024;
const LENGTH = 64 * MIB;

/** A front end that says what it is told to, and remembers the file. */
class FakeFrontEnd implements SharedMemoryWindow {
  onAnswer: (() => void) | undefined;
  says: "shown" | "asked" | "refused" = "shown";
  fd = -1;
  resets = 0;

  show(fd: number): "shown" | "asked" | "refused" {
    this.fd = fd;
    return this.says;
  }

  reset(): void {
    this.resets++;
  }
}

class WindowPieces {
  readonly linux = new LinuxPieces();
  readonly memory: WebAssembly.Memory;
  readonly reports: string[] = [];
  readonly map: MemoryMap;
  readonly window: FileWindow;
  readonly frontEnd = new FakeFrontEnd();
  /** Whether the renderer has nothing more to do with what was before the last reset. */
  isAtRest = true;

  constructor(lengthBytes = LENGTH, maximum = 65536) {
    const { libc, fds } = this.linux;
    const report = (message: string) => this.reports.push(message);
    this.memory = new WebAssembly.Memory({ initial: 1, maximum, shared: true });
    this.map = new MemoryMap(libc, fds, this.memory, { requiresSeals: true, warn: report });
    const isAtRest = () => this.isAtRest;
    const parts = { libc, fds, memory: this.memory, memoryMap: this.map, isAtRest, report };
    this.window = new FileWindow(parts, lengthBytes);
    this.window.connect(this.frontEnd);
  }

  /** The bytes of the window from `offset` on, as the device has them. */
  bytes(offset: number, count: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, this.window.addressOf(offset), count);
  }

  /** Pages that the front end's file takes. */
  pages(): number {
    return Deno.statSync(`/proc/self/fd/${this.frontEnd.fd}`).blocks! / 8;
  }

  [Symbol.dispose](): void {
    this.window.connect(undefined);
    this.linux[Symbol.dispose]();
  }
}

testOnLinux("a range that is mapped is the same bytes in the device's memory and in the front end's file", () => {
  using pieces = new WindowPieces();

  assertEquals(pieces.window.map(PAGE, 2 * PAGE), undefined);

  pieces.bytes(PAGE, 3).set([1, 2, 3]);
  const other = pieces.map.map(pieces.frontEnd.fd, PAGE, PAGE); // as the front end has it
  assert(typeof other === "object");
  const seen = new Uint8Array(pieces.memory.buffer, other.offset, 4);
  assertEquals(seen.slice(), Uint8Array.of(1, 2, 3, 0));
  seen[3] = 4;
  assertEquals(pieces.bytes(PAGE, 4).slice(), Uint8Array.of(1, 2, 3, 4));
  pieces.map.unmap(other);
});

testOnLinux("a range is there LATER, when the front end has answered, and not when it refuses", () => {
  using pieces = new WindowPieces();
  const { window, frontEnd } = pieces;
  let ready = 0;
  window.onReady = () => ready++;
  frontEnd.says = "asked";
  assertEquals(window.map(0, PAGE), LATER);

  frontEnd.onAnswer!();
  frontEnd.says = "refused";
  assertEquals([ready, window.map(0, PAGE)], [1, Reasons.windowRefused]);
  frontEnd.says = "shown";
  assertEquals(window.map(0, PAGE), undefined);
});

testOnLinux("without a front end that shows it, every range is refused, and no file is made", () => {
  using pieces = new WindowPieces();
  pieces.window.connect(undefined);
  const before = descriptorCount();

  assertEquals(pieces.window.map(0, PAGE), Reasons.windowRefused);

  assertEquals([descriptorCount(), pieces.map.mappedBytes], [before, 0]);
});

testOnLinux("a range that is mapped is zero, whatever was there", () => {
  using pieces = new WindowPieces();
  const { window } = pieces;
  window.map(0, 4 * PAGE);
  pieces.bytes(0, 4 * PAGE).fill(7);

  assertEquals(window.map(PAGE, PAGE), undefined); // the device's books let this not happen

  assertEquals([0, PAGE, 2 * PAGE].map((offset) => pieces.bytes(offset, 1)[0]), [7, 0, 7]);
});

testOnLinux("pages take memory when they are written, and none any more after a reset", () => {
  using pieces = new WindowPieces();
  const { window, frontEnd } = pieces;
  for (const offset of [0, MIB]) {
    window.map(offset, MIB);
    pieces.bytes(offset, MIB).fill(7);
  }
  assertEquals(pieces.pages(), 512);
  window.unmap();
  pieces.bytes(32 * MIB, PAGE).fill(7); // the guest writes where nothing is mapped
  window.reset();

  assertEquals([pieces.pages(), frontEnd.resets, pieces.bytes(MIB, 1)[0]], [0, 1, 0]);
});

testOnLinux("nobody can shorten the file, make it longer, or keep the device from writing", () => {
  using pieces = new WindowPieces();
  const { calls } = pieces.linux.libc;
  pieces.window.map(0, PAGE);
  const { fd } = pieces.frontEnd;

  assertEquals(calls.ftruncate(fd, 0n), -1);
  assertEquals(calls.ftruncate(fd, BigInt(2 * LENGTH)), -1);
  assertEquals(calls.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), -1);
});

testOnLinux("the file as a region of guest memory lies in the memory once", () => {
  using pieces = new WindowPieces();
  pieces.window.map(0, PAGE);

  const region = pieces.map.map(pieces.frontEnd.fd, 0, LENGTH);

  assert(typeof region === "object");
  assertEquals([region.offset, pieces.map.mappedBytes], [pieces.window.addressOf(0), LENGTH]);
  pieces.map.unmap(region);
  pieces.bytes(0, 1)[0] = 9;
  assertEquals([pieces.map.mappedBytes, pieces.pages()], [LENGTH, 1]);
});

testOnLinux("the next front end gets another file, and a thousand leave no descriptor and no mapping", () => {
  using pieces = new WindowPieces();
  const { window } = pieces;
  window.map(0, PAGE);
  pieces.bytes(0, 1)[0] = 9;
  const first = pieces.linux.fds.status(pieces.frontEnd.fd)!.identity;
  window.connect(undefined);
  const before = descriptorCount();

  for (let count = 0; count < 1000; count++) {
    window.connect(pieces.frontEnd);
    assertEquals([window.map(0, PAGE), pieces.bytes(0, 1)[0]], [undefined, 0]);
    assert(pieces.linux.fds.status(pieces.frontEnd.fd)!.identity !== first);
    pieces.bytes(0, 1)[0] = 9;
    window.connect(undefined);
  }

  assertEquals([descriptorCount(), pieces.map.mappedBytes], [before, 0]);
  assertEquals(Deno.readTextFileSync("/proc/self/maps").includes("memfd:host visible memory"), false);
});

testOnLinux(
  "where a front end's file lay nothing else lies until the renderer is at rest, and its file is gone at once",
  () => {
    using pieces = new WindowPieces();
    const { window, map, frontEnd } = pieces;
    window.map(0, PAGE);
    const [first, bytes] = [window.addressOf(0), pieces.bytes(0, PAGE)];
    pieces.isAtRest = false;

    window.connect(undefined);
    assertEquals(Deno.readTextFileSync("/proc/self/maps").includes("memfd:host visible memory"), false);
    window.giveBack();
    window.connect(frontEnd);
    assertEquals(window.map(0, PAGE), undefined);
    bytes.fill(5); // what the renderer was about
    const second = window.addressOf(0);
    assertEquals([second === first, pieces.bytes(0, 1)[0], map.mappedBytes], [false, 0, 2 * LENGTH]);

    pieces.isAtRest = true;
    window.giveBack();
    window.giveBack();
    assertEquals(map.mappedBytes, LENGTH);
    window.connect(undefined);
    window.connect(frontEnd);
    assertEquals(window.map(0, PAGE), undefined);
    assertEquals([window.addressOf(0), pieces.bytes(PAGE - 1, 2).join()], [first, "0,0"]);
  },
);

testOnLinux("a window for which the memory has no room is refused with a message, and is no exception", () => {
  using pieces = new WindowPieces(LENGTH, 16);
  const before = descriptorCount();

  assertEquals(pieces.window.map(0, PAGE), Reasons.windowRefused);

  assertMatch(pieces.reports.join(), /^there is no host visible memory: 67108864 bytes more .* do not fit/);
  assertEquals([pieces.frontEnd.fd, descriptorCount()], [-1, before]);
});
