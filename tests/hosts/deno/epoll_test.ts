import { assertEquals, assertFalse } from "@std/assert";
import { makeMemoryFile } from "../../../src/hosts/deno/memory_file.ts";
import { makeSocketPair } from "../../../src/hosts/deno/unix_socket.ts";
import { LinuxPieces } from "./linux_pieces.ts";
import { testOnLinux } from "./on_linux.ts";

testOnLinux("what is there to read is told again and again until it is read", () => {
  using pieces = new LinuxPieces();
  const { epoll, fds } = pieces;
  const event = pieces.event();
  let calls = 0;
  epoll.watch(event, { toRead: true }, () => calls++);

  epoll.wait(0);
  assertEquals(calls, 0);
  fds.signal(event);
  epoll.wait(0);
  epoll.wait(0);
  assertEquals(calls, 2);
  fds.takeCount(event);
  epoll.wait(0);
  assertEquals(calls, 2);
});

testOnLinux("arrivals are told once each, though nothing is read", () => {
  using pieces = new LinuxPieces();
  const { epoll, fds } = pieces;
  const event = pieces.event();
  let calls = 0;
  fds.signal(event);
  epoll.watch(event, { arrivals: true }, () => calls++);

  epoll.wait(0);
  epoll.wait(0);
  assertEquals(calls, 1);
  fds.signal(event);
  epoll.wait(0);
  epoll.wait(0);
  assertEquals(calls, 2);
});

testOnLinux("a watch that another one ends in the same turn is not called", () => {
  using pieces = new LinuxPieces();
  const { epoll, fds } = pieces;
  const events = [pieces.event(), pieces.event()];
  const called: number[] = [];
  for (const event of events) {
    fds.signal(event);
    epoll.watch(event, { toRead: true }, () => {
      called.push(event);
      for (const other of events) epoll.unwatch(other);
    });
  }

  epoll.wait(0);

  assertEquals(called.length, 1);
});

testOnLinux("a descriptor that is used again for another file gets none of the first one's events", () => {
  using pieces = new LinuxPieces();
  const { epoll, fds } = pieces;
  const called: string[] = [];
  const first = fds.makeEvent();
  epoll.watch(first, { toRead: true }, () => called.push("first"));
  epoll.unwatch(first);
  fds.close(first);
  const second = pieces.event();
  assertEquals(second, first);
  epoll.watch(second, { toRead: true }, () => called.push("second"));

  fds.signal(second);
  epoll.wait(0);

  assertEquals(called, ["second"]);
});

testOnLinux("a socket can be watched for room to write, too", () => {
  using pieces = new LinuxPieces();
  const { epoll, libc } = pieces;
  const [near] = makeSocketPair(libc).map((fd) => pieces.own(fd));
  let calls = 0;
  epoll.watch(near!, { toRead: true }, () => calls++);
  epoll.wait(0);
  assertEquals(calls, 0);

  epoll.change(near!, { toRead: true, toWrite: true });
  epoll.wait(0);

  assertEquals(calls, 1);
});

testOnLinux("nobody can wait for a file on disk, or twice for one descriptor", () => {
  using pieces = new LinuxPieces();
  const file = pieces.own(makeMemoryFile(pieces.libc, "test", 4096));
  const event = pieces.event();

  assertFalse(pieces.epoll.watch(file, { toRead: true }, () => {}));
  assertEquals(pieces.epoll.watch(event, { toRead: true }, () => {}), true);
  assertFalse(pieces.epoll.watch(event, { arrivals: true }, () => {}));
});
