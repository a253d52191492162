import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Received, SocketMessages } from "../../../src/hosts/deno/socket_messages.ts";
import { makeSocketPair } from "../../../src/hosts/deno/unix_socket.ts";
import { descriptorCount, LinuxPieces } from "./linux_pieces.ts";
import { testOnLinux } from "./on_linux.ts";

/** Two ends of a socket, and room for messages of 64 bytes and 4 descriptors. */
class Ends {
  readonly pieces = new LinuxPieces();
  readonly messages = new SocketMessages(this.pieces.libc, 64, 4);
  readonly near: number;
  readonly far: number;

  constructor() {
    [this.near, this.far] = makeSocketPair(this.pieces.libc);
    this.pieces.own(this.near);
  }

  /** Reads at the far end what must be there. */
  receive(wantedBytes: number): Received {
    const received = this.messages.receive(this.far, wantedBytes);
    assert(typeof received === "object", `it brings ${JSON.stringify(received)}`);
    for (const fd of received.fds) this.pieces.own(fd);
    return { bytes: received.bytes.slice(), fds: received.fds };
  }

  closeFar(): void {
    this.pieces.fds.close(this.far);
  }

  [Symbol.dispose](): void {
    this.pieces[Symbol.dispose]();
  }
}

const text = (value: string) => new TextEncoder().encode(value);

testOnLinux("bytes arrive as they were sent, as far as they are wanted", () => {
  using ends = new Ends();
  assertEquals(ends.messages.receive(ends.far, 64), "nothing");

  assertEquals(ends.messages.send(ends.near, text("hello there")), true);

  assertEquals(ends.receive(5), { bytes: text("hello"), fds: [] });
  assertEquals(ends.receive(64), { bytes: text(" there"), fds: [] });
  ends.closeFar();
});

testOnLinux("a descriptor arrives as another one of the same file", () => {
  using ends = new Ends();
  const { pieces, messages } = ends;
  const event = pieces.event();

  messages.send(ends.near, text("here"), [event, pieces.event()]);
  const { fds } = ends.receive(64);

  assertEquals(fds.length, 2);
  assert(fds[0] !== event);
  pieces.fds.signal(fds[0]!);
  assertEquals(pieces.fds.takeCount(event), 1);
  ends.closeFar();
});

testOnLinux("descriptors come with the first bytes of their message, and not before", () => {
  using ends = new Ends();
  const { pieces, messages } = ends;
  messages.send(ends.near, text("first"), [pieces.event()]);
  messages.send(ends.near, text("second"));
  messages.send(ends.near, text("third"), [pieces.event(), pieces.event()]);

  assertEquals(ends.receive(5).fds.length, 1);
  assertEquals(ends.receive(6).fds.length, 0);
  assertEquals(ends.receive(2).fds.length, 2);
  assertEquals(ends.receive(3), { bytes: text("ird"), fds: [] });
  ends.closeFar();
});

testOnLinux("of more descriptors than there is room for, the others are closed", () => {
  using ends = new Ends();
  const { pieces, messages } = ends;
  const many = new SocketMessages(pieces.libc, 64, 100);
  const event = pieces.event();
  const before = descriptorCount();

  many.send(ends.near, text("many"), Array.from({ length: 100 }, () => event));
  const received = messages.receive(ends.far, 64);

  assert(typeof received === "object");
  assertEquals(received.fds.length, 4);
  assertEquals(descriptorCount(), before + 4);
  for (const fd of received.fds) pieces.fds.close(fd);
  ends.closeFar();
});

testOnLinux("an end that has gone is told from one that says nothing", () => {
  using ends = new Ends();
  ends.messages.send(ends.near, text("last"));
  assertEquals(ends.receive(64).bytes, text("last"));
  assertEquals(ends.messages.receive(ends.far, 64), "nothing");

  ends.closeFar();

  assertEquals(ends.messages.receive(ends.near, 64), "closed");
  assertEquals(ends.messages.send(ends.near, text("lost")), false);
});

testOnLinux("an end that does not read makes sending fail, and not wait", () => {
  using ends = new Ends();
  const whole = new Uint8Array(64);
  let count = 0;
  while (count < 1e6 && ends.messages.send(ends.near, whole)) count++;

  assert(count > 0 && count < 1e6);
  assertEquals(ends.receive(64).bytes.length, 64);
  ends.closeFar();
});

testOnLinux("what is longer than the room is not sent", () => {
  using ends = new Ends();
  assertThrows(() => ends.messages.send(ends.near, new Uint8Array(65)), RangeError, "65 bytes");
  assertThrows(
    () => ends.messages.send(ends.near, new Uint8Array(1), [1, 2, 3, 4, 5]),
    RangeError,
    "5 file descriptors",
  );
  ends.closeFar();
});

testOnLinux(
  "to ask whether something has come takes neither bytes nor descriptors, and a socket that was closed has none",
  () => {
    using ends = new Ends();
    assertEquals(ends.messages.hasBytes(ends.far), false);
    ends.messages.send(ends.near, text("abc"), [ends.pieces.event()]);

    assertEquals([ends.messages.hasBytes(ends.far), ends.messages.hasBytes(ends.far)], [true, true]);

    const { bytes, fds } = ends.receive(64);
    assertEquals([new TextDecoder().decode(bytes), fds.length, ends.messages.hasBytes(ends.far)], ["abc", 1, false]);
    ends.closeFar();
    assertEquals(ends.messages.hasBytes(ends.near), false);
  },
);
