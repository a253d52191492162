import { assert, assertEquals, assertMatch } from "@std/assert";
import { GpuSocket } from "../../../src/hosts/deno/gpu_socket.ts";
import { makeMemoryFile } from "../../../src/hosts/deno/memory_file.ts";
import { MemoryMap } from "../../../src/hosts/deno/memory_map.ts";
import { SocketMessages } from "../../../src/hosts/deno/socket_messages.ts";
import { makeSocketPair } from "../../../src/hosts/deno/unix_socket.ts";
import { FdVhostUserHost } from "../../../src/hosts/deno/vhost_user_host.ts";
import { descriptorCount, LinuxPieces } from "./linux_pieces.ts";
import { testOnLinux } from "./on_linux.ts";

class HostPieces {
  readonly linux = new LinuxPieces();
  readonly notified: number[] = [];
  readonly reports: string[] = [];
  readonly host: FdVhostUserHost;

  constructor() {
    const { libc, fds, epoll } = this.linux;
    const report = (message: string) => this.reports.push(message);
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
    this.host = new FdVhostUserHost({
      libc,
      fds,
      epoll,
      memoryMap: new MemoryMap(libc, fds, memory, { requiresSeals: false, warn: report }),
      gpuSocket: new GpuSocket({ libc, fds, epoll, display: undefined, report, resume: () => {} }),
      window: undefined,
      report,
      notify: (queue) => this.notified.push(queue),
    });
  }

  /** What was notified in one turn that waits for nothing. */
  turn(): number[] {
    this.linux.epoll.wait(0);
    this.host.workOnce();
    return this.notified.splice(0);
  }

  [Symbol.dispose](): void {
    this.linux[Symbol.dispose]();
  }
}

testOnLinux("each kick notifies its queue, and one from before the watch does, too", () => {
  using pieces = new HostPieces();
  const { host, linux } = pieces;
  const kicks = [linux.event(), linux.event()];
  linux.fds.signal(kicks[1]!);
  kicks.forEach((fd, queue) => host.watchKick(queue, fd));

  assertEquals(pieces.turn(), [1]);
  assertEquals(pieces.turn(), []);
  linux.fds.signal(kicks[0]!);
  assertEquals(pieces.turn(), [0]);
  linux.fds.signal(kicks[0]!);
  assertEquals(pieces.turn(), [0]);
});

testOnLinux("a kick that is watched no more notifies nobody, and its count is taken", () => {
  using pieces = new HostPieces();
  const { host, linux } = pieces;
  const [first, second] = [linux.event(), linux.event()];
  host.watchKick(0, first);
  linux.fds.signal(first);
  assertEquals(pieces.turn(), [0]);

  host.watchKick(0, second);
  assertEquals(linux.fds.takeCount(first), 0);
  linux.fds.signal(first);
  assertEquals(pieces.turn(), []);
  linux.fds.signal(second);
  assertEquals(pieces.turn(), [0]);
  host.watchKick(0, undefined);
  linux.fds.signal(second);
  assertEquals(pieces.turn(), []);
});

testOnLinux("a socket in a kick's place does not fill up", () => {
  using pieces = new HostPieces();
  const { host, linux } = pieces;
  const [near, far] = makeSocketPair(linux.libc).map((fd) => linux.own(fd));
  host.watchKick(1, far);

  for (let count = 0; count < 100_000; count++) {
    linux.fds.signal(near!);
    if (pieces.turn().length !== 1) throw new Error(`kick ${count} notifies nobody`);
  }
});

testOnLinux("a kick whose other end has gone does not keep the thread busy", () => {
  using pieces = new HostPieces();
  const { host, linux } = pieces;
  const [near, far] = makeSocketPair(linux.libc);
  linux.own(far);
  host.watchKick(1, far);

  linux.fds.close(near);

  assertEquals([pieces.turn(), pieces.turn(), pieces.turn()], [[1], [], []]);
});

testOnLinux("a kick that nobody can wait for is reported", () => {
  using pieces = new HostPieces();
  const file = pieces.linux.own(makeMemoryFile(pieces.linux.libc, "test", 4096));

  pieces.host.watchKick(1, file);
  pieces.host.watchKick(1, 12345);

  assertEquals(pieces.reports.length, 2);
  assertMatch(pieces.reports[0]!, /^the kick of ring 1 is nothing that can be waited for$/);
});

testOnLinux("work that is left is done once a turn, after what has arrived", () => {
  using pieces = new HostPieces();
  const { host, linux } = pieces;
  const kick = linux.event();
  host.watchKick(0, kick);
  linux.fds.signal(kick);
  host.workLeft(1);
  host.workLeft(1);
  assertEquals(host.hasWork, true);

  assertEquals(pieces.turn(), [0, 1]);

  assertEquals([host.hasWork, pieces.turn()], [false, []]);
});

testOnLinux("a channel brings bytes and the end, once it is watched, and file descriptors with them are closed", () => {
  using pieces = new HostPieces();
  const { host, linux } = pieces;
  const [near, far] = makeSocketPair(linux.libc);
  linux.own(far!);
  const messages = new SocketMessages(linux.libc, 64, 1);
  const take = () => {
    const received = host.receive(far!, 2);
    return typeof received === "string" ? received : [...received];
  };
  let heard = 0;
  assertEquals(host.watchChannel(far, () => heard++), true);
  const before = descriptorCount();

  messages.send(near!, Uint8Array.of(1, 2, 3), [near!]);
  pieces.turn();
  assertEquals([heard, take(), take(), take(), descriptorCount()], [1, [1, 2], [3], "nothing", before]);

  host.watchChannel(undefined);
  messages.send(near!, Uint8Array.of(4));
  pieces.turn();
  linux.fds.close(near!);
  assertEquals([heard, take(), take()], [1, [4], "closed"]);
});

testOnLinux("a message and a file go over a channel as a whole, or not", () => {
  using pieces = new HostPieces();
  const { host, linux } = pieces;
  const [near, far] = makeSocketPair(linux.libc).map((fd) => linux.own(fd));
  const file = linux.own(makeMemoryFile(linux.libc, "test", 4096));
  const message = new Uint8Array(52).fill(7);

  assertEquals(host.sendWithFd(far!, message, file), true);

  const received = new SocketMessages(linux.libc, 64, 1).receive(near!, 64);
  assert(typeof received === "object");
  assertEquals(received.bytes.slice(), message);
  assertEquals(linux.fds.status(received.fds[0]!)!.identity, linux.fds.status(file)!.identity);
  linux.fds.close(received.fds[0]!);
  assertEquals([host.sendWithFd(file, message, file), host.sendWithFd(linux.event(), message, file)], [false, false]);
  while (host.sendWithFd(far!, message, file)) continue; // until nobody reads
  assertEquals([host.watchChannel(file, () => {}), host.watchChannel(far, () => {})], [false, true]);
});
