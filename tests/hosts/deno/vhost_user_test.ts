import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { makeMemoryFile } from "../../../src/hosts/deno/memory_file.ts";
import { connectTo, listenAt, makeSocketPair } from "../../../src/hosts/deno/unix_socket.ts";
import { startVhostUser } from "../../../src/hosts/deno/vhost_user.ts";
import { FrontEndRequest } from "../../../src/transport/vhost_user/vhost_user.gen.ts";
import { ReferenceRenderer } from "../../support/renderer/reference_renderer.ts";
import { FrontEndSocket } from "../../support/vhost_front_end/front_end_socket.ts";
import { VhostFrontEnd } from "../../support/vhost_front_end/vhost_front_end.ts";
import { descriptorCount, LinuxPieces } from "./linux_pieces.ts";
import { testOnLinux } from "./on_linux.ts";

/** What is reported of a front end. */
const SERVED = ["a front end has connected", "the front end is disconnected: it has gone"];

/** Waits until `condition` holds. Throws `Error` when that takes too long. */
async function eventually(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error("It does not come about");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Connects to a back end as soon as there is room among those that it has not looked at yet. */
async function connectSoon({ libc }: LinuxPieces, socketPath: string): Promise<number> {
  let fd = -1;
  await eventually(() => {
    try {
      fd = connectTo(libc, socketPath);
    } catch {
      return false;
    }
    return true;
  });
  return fd;
}

/** Runs `work` with the path of a file that is not there, in a folder of its own. */
async function withPath(work: (path: string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    await work(`${folder}/socket`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

testOnLinux("a back end that is stopped leaves no socket and no descriptor", async () => {
  await withPath(async (socketPath) => {
    const first = await startVhostUser({ socketPath }); // Deno's first Worker opens some of its own
    first.stop();
    await first.ended;
    const before = descriptorCount();
    const backEnd = await startVhostUser({ socketPath });
    assertEquals(backEnd.screen(0), { widthPixels: 0, heightPixels: 0, frames: 0 });
    assertEquals(await backEnd.screenshot(0), undefined);

    backEnd.stop();
    await backEnd.ended;

    await assertRejects(() => Deno.stat(socketPath), Deno.errors.NotFound);
    await eventually(() => descriptorCount() <= before); // Deno's own take a while
    assertEquals(await backEnd.screenshot(0), undefined);
    backEnd.stop();
  });
});

testOnLinux("a back end whose front end goes ends, and says why", async () => {
  await withPath(async (socketPath) => {
    using pieces = new LinuxPieces();
    const reports: string[] = [];
    const backEnd = await startVhostUser({ socketPath, onReport: ({ text }) => reports.push(text) });

    const frontEnd = FrontEndSocket.connect(pieces.libc, socketPath);
    frontEnd.send(FrontEndRequest.SetOwner);
    frontEnd.close();
    await backEnd.ended;

    assertEquals(reports, SERVED);
  });
});

testOnLinux("whoever connects and says nothing is no front end, and keeps none away", async () => {
  await withPath(async (socketPath) => {
    using pieces = new LinuxPieces();
    const reports: string[] = [];
    const backEnd = await startVhostUser({ socketPath, onReport: ({ text }) => reports.push(text) });
    for (let count = 0; count < 20; count++) {
      pieces.own(await connectSoon(pieces, socketPath));
      pieces.fds.close(await connectSoon(pieces, socketPath));
    }

    await assertRejects(() => startVhostUser({ socketPath }), Error, `Cannot listen at ${socketPath}`);

    const fd = await connectSoon(pieces, socketPath);
    const frontEnd = new VhostFrontEnd(new FrontEndSocket(pieces.libc, fd));
    frontEnd.introduce();
    assertEquals(frontEnd.queueCount(), 2);
    frontEnd.socket.close();
    await backEnd.ended;
    assertEquals(reports, SERVED);
  });
});

testOnLinux("of two that say something the second is sent away, whichever has connected first", async () => {
  await withPath(async (socketPath) => {
    using pieces = new LinuxPieces();
    const reports: string[] = [];
    const backEnd = await startVhostUser({ socketPath, onReport: ({ text }) => reports.push(text) });
    const [second, gone] = [0, 1].map(() => FrontEndSocket.connect(pieces.libc, socketPath));
    const first = new VhostFrontEnd(FrontEndSocket.connect(pieces.libc, socketPath));
    first.introduce();

    gone!.close();
    second!.send(FrontEndRequest.GetFeatures);
    assertEquals(second!.receive(), undefined);

    assertEquals(first.queueCount(), 2);
    second!.close();
    first.socket.close();
    await backEnd.ended;
    assertEquals(reports, SERVED.toSpliced(1, 0, "another front end was sent away: one is connected"));
  });
});

testOnLinux("a back end that is stopped lets go of those who have said nothing", async () => {
  await withPath(async (socketPath) => {
    using pieces = new LinuxPieces();
    const backEnd = await startVhostUser({ socketPath });
    const silent = FrontEndSocket.connect(pieces.libc, socketPath);

    backEnd.stop();
    await backEnd.ended;

    assertEquals(silent.receive(), undefined);
    silent.close();
  });
});

testOnLinux("a front end may be connected beforehand", async () => {
  using pieces = new LinuxPieces();
  const [near, far] = makeSocketPair(pieces.libc);
  const backEnd = await startVhostUser({ fd: near });
  const frontEnd = new VhostFrontEnd(new FrontEndSocket(pieces.libc, far));

  frontEnd.introduce();
  assertEquals(frontEnd.queueCount(), 2);
  frontEnd.socket.close();

  await backEnd.ended;
});

testOnLinux("a path where another back end listens is refused, and left to it", async () => {
  await withPath(async (socketPath) => {
    using pieces = new LinuxPieces();
    pieces.own(listenAt(pieces.libc, socketPath));

    await assertRejects(() => startVhostUser({ socketPath }), Error, `Cannot listen at ${socketPath}`);

    pieces.own(connectTo(pieces.libc, socketPath));
  });
});

testOnLinux("what cannot be served is refused by name", async () => {
  using pieces = new LinuxPieces();
  const file = pieces.own(makeMemoryFile(pieces.libc, "test", 4096));

  await assertRejects(() => startVhostUser({}), TypeError, "one of socketPath and fd must be given");
  await assertRejects(() => startVhostUser({ socketPath: "x", fd: 3 }), TypeError, "one of socketPath and fd");
  await assertRejects(() => startVhostUser({ fd: file, keep: true }), TypeError, "keep must go with socketPath");
  await assertRejects(() => startVhostUser({ fd: file }), Error, `file descriptor ${file} must be a socket`);
});

testOnLinux("a window without a renderer, or of another length than a power of two, is refused", async () => {
  const start = (hostVisibleBytes: number) =>
    startVhostUser({ socketPath: "x", renderer: new ReferenceRenderer(), hostVisibleBytes });

  await assertRejects(() => startVhostUser({ socketPath: "x", hostVisibleBytes: 4096 }), TypeError, "with a renderer");
  for (const length of [0, 2048, 12288, 2 ** 32, -4096, NaN, 4096.5]) {
    await assertRejects(() => start(length), RangeError, `a power of two from 4096 to 2147483648, got ${length}`);
  }
});

testOnLinux(
  "a renderer that could not be served, or is served no more, is reset and leaves no descriptor",
  async () => {
    await withPath(async (socketPath) => {
      let resets = 0;
      const makeRenderer = () => {
        const renderer = new ReferenceRenderer();
        const reset = renderer.reset.bind(renderer);
        renderer.reset = () => {
          resets++;
          reset();
        };
        return renderer;
      };
      const start = (path: string, renderer = makeRenderer()) =>
        startVhostUser({ socketPath: path, renderer, hostVisibleBytes: 4096, keep: true });
      const comeAndGo = async () => {
        const used = makeRenderer();
        const backEnd = await start(socketPath, used);
        await assertRejects(() => start(socketPath), Error, "Cannot listen");
        await assertRejects(() => start(`${socketPath}-2`, used), Error, "belongs to another device");
        resets = 0;
        backEnd.stop();
        await backEnd.ended;
        assert(resets > 0);
      };
      await comeAndGo();
      const before = descriptorCount();

      for (let count = 0; count < 5; count++) await comeAndGo(); // more than what is Deno's own and takes a while

      await eventually(() => descriptorCount() <= before);
    });
  },
);

testOnLinux("device settings out of range are a failure to start", async () => {
  await withPath(async (socketPath) => {
    const error = await assertRejects(() => startVhostUser({ socketPath, outputs: [] }), Error);

    assertMatch(error.message, /^The back end has failed: RangeError: .*outputs must be 1 to 16, got 0/);
    await assertRejects(() => Deno.stat(socketPath), Deno.errors.NotFound);
  });
});
