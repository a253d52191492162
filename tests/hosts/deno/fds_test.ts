import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { F_GETFL, O_NONBLOCK, S_IFREG, S_IFSOCK } from "../../../src/hosts/deno/linux_abi.ts";
import { makeMemoryFile } from "../../../src/hosts/deno/memory_file.ts";
import { makeSocketPair } from "../../../src/hosts/deno/unix_socket.ts";
import { LinuxPieces } from "./linux_pieces.ts";
import { testOnLinux } from "./on_linux.ts";

testOnLinux("an eventfd counts its signals until they are taken", () => {
  using pieces = new LinuxPieces();
  const event = pieces.event();
  for (let count = 0; count < 3; count++) pieces.fds.signal(event);

  assertEquals(pieces.fds.takeCount(event), 3);
  assertEquals(pieces.fds.takeCount(event), 0);
});

testOnLinux("an eventfd whose count is full drops a signal rather than wait", () => {
  using pieces = new LinuxPieces();
  const blocking = pieces.own(pieces.libc.calls.eventfd(0, 0));
  pieces.fds.setNonBlocking(blocking);
  const most = new Uint8Array(new BigUint64Array([2n ** 64n - 2n]).buffer);
  assertEquals(pieces.libc.calls.write(blocking, most, 8n), 8);

  pieces.fds.signal(blocking);

  assertEquals(pieces.fds.takeCount(blocking), 0xfffffffe);
});

testOnLinux("a descriptor that was made not to block keeps its other flags", () => {
  using pieces = new LinuxPieces();
  const blocking = pieces.own(pieces.libc.calls.eventfd(0, 0));
  const flags = pieces.libc.calls.fcntl(blocking, F_GETFL, 0);

  pieces.fds.setNonBlocking(blocking);

  assertEquals(pieces.libc.calls.fcntl(blocking, F_GETFL, 0), flags | O_NONBLOCK);
});

testOnLinux("a socket in an eventfd's place gives no count, and is emptied", () => {
  using pieces = new LinuxPieces();
  const [near, far] = makeSocketPair(pieces.libc).map((fd) => pieces.own(fd));
  for (let count = 0; count < 5; count++) pieces.fds.signal(near!);

  pieces.fds.takeCount(far!);

  assertEquals(pieces.fds.takeCount(far!), 0);
});

testOnLinux("the status tells files, sockets and eventfds apart", () => {
  using pieces = new LinuxPieces();
  const file = pieces.own(makeMemoryFile(pieces.libc, "test", 12345));
  const [socket] = makeSocketPair(pieces.libc).map((fd) => pieces.own(fd));

  assertEquals(pieces.fds.status(file)?.kind, S_IFREG);
  assertEquals(pieces.fds.status(file)?.sizeBytes, 12345);
  assertEquals(pieces.fds.status(socket!)?.kind, S_IFSOCK);
  assertEquals(pieces.fds.status(pieces.event())?.kind, 0);
  assertEquals(pieces.fds.status(12345), undefined);
});

testOnLinux("the identity is a file's own, whichever descriptor it is seen by", () => {
  using pieces = new LinuxPieces();
  const identity = (fd: number) => pieces.fds.status(fd)!.identity;
  const one = pieces.own(makeMemoryFile(pieces.libc, "test", 4096));
  const other = pieces.own(makeMemoryFile(pieces.libc, "test", 4096));
  const again = Deno.openSync(`/proc/self/fd/${one}`);

  assertNotEquals(identity(one), identity(other));
  assertMatch(identity(one), new RegExp(`:${again.statSync().ino}$`));
  again.close();
});

testOnLinux("writing to a socket whose other end has gone ends nothing", () => {
  using pieces = new LinuxPieces();
  const [near, far] = makeSocketPair(pieces.libc);
  pieces.own(near);
  pieces.fds.close(far);

  pieces.fds.write(near, new Uint8Array(8));
  pieces.fds.signal(near);

  assertEquals(pieces.fds.status(near)?.kind, S_IFSOCK);
});
