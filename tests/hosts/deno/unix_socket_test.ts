import { assertEquals, assertThrows } from "@std/assert";
import { acceptFrom, connectTo, listenAt, removeSocket } from "../../../src/hosts/deno/unix_socket.ts";
import { descriptorCount, LinuxPieces } from "./linux_pieces.ts";
import { testOnLinux } from "./on_linux.ts";

/** Runs `work` with the path of a file that is not there, in a folder of its own. */
function withPath(work: (path: string, pieces: LinuxPieces) => void): void {
  using pieces = new LinuxPieces();
  const folder = Deno.makeTempDirSync();
  try {
    work(`${folder}/socket`, pieces);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

testOnLinux("a socket that listens takes connections, and waits for none", () => {
  withPath((path, pieces) => {
    const listener = pieces.own(listenAt(pieces.libc, path));
    assertEquals(acceptFrom(pieces.libc, listener), undefined);

    const far = pieces.own(connectTo(pieces.libc, path));
    const near = pieces.own(acceptFrom(pieces.libc, listener)!);

    pieces.fds.write(near, new Uint8Array(8).fill(1));
    assertEquals(pieces.fds.takeCount(far), 0x01010101);
  });
});

testOnLinux("a socket file that nobody listens on any more is replaced", () => {
  withPath((path, pieces) => {
    pieces.fds.close(listenAt(pieces.libc, path));

    pieces.own(listenAt(pieces.libc, path));

    pieces.own(connectTo(pieces.libc, path));
  });
});

testOnLinux("a path where somebody listens is left alone", () => {
  withPath((path, pieces) => {
    pieces.own(listenAt(pieces.libc, path));
    const before = descriptorCount();

    assertThrows(() => listenAt(pieces.libc, path), Error, `Cannot listen at ${path}: Address already in use`);

    assertEquals(descriptorCount(), before);
    pieces.own(connectTo(pieces.libc, path));
  });
});

testOnLinux("a file that is no socket is left alone", () => {
  withPath((path, pieces) => {
    Deno.writeTextFileSync(path, "kept");

    assertThrows(() => listenAt(pieces.libc, path), Error, "Address already in use");

    assertEquals(Deno.readTextFileSync(path), "kept");
  });
});

testOnLinux("a path that a socket address has no room for is refused", () => {
  withPath((path, pieces) => {
    const long = path.padEnd(108, "x");
    assertThrows(() => listenAt(pieces.libc, long), RangeError, "1 to 107 bytes");
    assertThrows(() => listenAt(pieces.libc, ""), RangeError, "1 to 107 bytes");
    pieces.own(listenAt(pieces.libc, long.slice(0, 107)));
    Deno.removeSync(long.slice(0, 107));
  });
});

testOnLinux("nobody to connect to is an error that names the path", () => {
  withPath((path, pieces) => {
    const before = descriptorCount();

    assertThrows(() => connectTo(pieces.libc, path), Error, `Cannot connect to ${path}: No such file or directory`);

    assertEquals(descriptorCount(), before);
  });
});

testOnLinux("a socket's file can be removed, once or again", () => {
  withPath((path, pieces) => {
    pieces.own(listenAt(pieces.libc, path));

    removeSocket(pieces.libc, path);
    removeSocket(pieces.libc, path);

    assertThrows(() => Deno.statSync(path), Deno.errors.NotFound);
  });
});
