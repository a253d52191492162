import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { GpuProtocolFeature } from "../../src/display/vhost_user_gpu.gen.ts";
import type { Writer } from "../../src/guest/gpu_driver.ts";
import {
  Format,
  GpuQueue,
  readRespDisplayInfo,
  readRespEdid,
  RESP_DISPLAY_INFO_SIZE,
  RESP_EDID_EDID_OFFSET,
  RESP_EDID_SIZE,
  ResponseType,
  writeGetDisplayInfo,
  writeGetEdid,
  writeResourceCreate2d,
  writeResourceFlush,
  writeSetScanout,
  writeTransferToHost2d,
  writeUpdateCursor,
} from "../../src/protocol/wire.gen.ts";
import { makeSocketPair } from "../../src/hosts/deno/unix_socket.ts";
import { LinuxPieces } from "../hosts/deno/linux_pieces.ts";
import { testOnLinux } from "../hosts/deno/on_linux.ts";
import { decodePng } from "../support/png.ts";
import { FrontEndMachine } from "../support/vhost_front_end/front_end_machine.ts";
import { FrontEndSocket } from "../support/vhost_front_end/front_end_socket.ts";
import { VhostFrontEnd } from "../support/vhost_front_end/vhost_front_end.ts";
import { GpuSocketEnd } from "../support/vhost_front_end/gpu_socket_end.ts";

const LAUNCHER = fileURLToPath(new URL("../../packaging/vhost-user/scanout-vhost-user-gpu", import.meta.url));
const PATIENCE_MILLISECONDS = 20_000;
const F_SETFD = 2;

/** The launcher, run as libvirt would, in a folder of its own. */
class Program {
  readonly folder = Deno.makeTempDirSync({ prefix: "scanout-program-" });
  readonly path = `${this.folder}/socket`;
  readonly #child: Deno.ChildProcess;
  readonly #errors: Promise<string>;
  #output = "";

  constructor(args: readonly string[]) {
    this.#child = new Deno.Command(LAUNCHER, {
      args: ["--socket-path=socket", ...args],
      cwd: this.folder,
      env: { SCANOUT_DENO: Deno.execPath(), NO_COLOR: "1" },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#errors = new Response(this.#child.stderr).text();
  }

  /** Waits for a line of its output; throws `Error` with all output when there is none. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    const reader = this.#child.stdout.getReader();
    for (;;) {
      const found = pattern.exec(this.#output);
      if (found !== null) {
        reader.releaseLock();
        return found;
      }
      const { value, done } = await reader.read();
      if (done) throw new Error(`The program does not print ${pattern}, but ${this.#output}${await this.#errors}`);
      this.#output += new TextDecoder().decode(value);
    }
  }

  /** Ends it by SIGTERM, if it still runs. */
  stop(): void {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // it has ended
    }
  }

  /** Waits for its end. */
  async end(): Promise<{ code: number; errors: string }> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), PATIENCE_MILLISECONDS);
    await this.#child.stdout.cancel();
    const { code } = await this.#child.status;
    clearTimeout(timer);
    const errors = await this.#errors;
    Deno.removeSync(this.folder, { recursive: true });
    return { code, errors };
  }
}

/** Runs `work` with a program that listens, then ends it; returns its exit status and what it has complained of. */
async function withProgram(args: readonly string[], work: (program: Program) => Promise<void>) {
  const program = new Program(args);
  try {
    await program.line(/^Waiting for .*$/m);
    await work(program);
  } finally {
    program.stop();
  }
  return await program.end();
}

/** A machine that answers for its monitors whenever its guest's driver waits. */
function machineWith(path: string): { machine: FrontEndMachine; socket: GpuSocketEnd } {
  const machine = new FrontEndMachine(path);
  const socket = new GpuSocketEnd(machine.libc);
  const { transport } = machine;
  const wait = transport.waitUntil.bind(transport);
  transport.waitUntil = (condition, problem) => wait(() => socket.work() && condition(), problem);
  machine.driver.start();
  machine.frontEnd.setGpuSocket(socket.backEndFd);
  machine.fds.close(socket.backEndFd);
  return { machine, socket };
}

function send<F>({ driver }: FrontEndMachine, write: Writer<F>, fields: F): void {
  assertEquals(driver.send(write, fields).header.type, ResponseType.OkNodata);
}

const WIDTH = 640;
const HEIGHT = 480;

/** Shows a picture on scanout 0 whose pixels are `first` and the following numbers; returns the address of its pages. */
function showPicture(machine: FrontEndMachine, first: number): number {
  const rect = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
  const length = WIDTH * HEIGHT * 4;
  const addr = machine.ram.guest.allocate(length, 4096);
  machine.ram.guest.words(addr, WIDTH * HEIGHT).forEach((_, index, words) => words[index] = first + index);
  send(machine, writeResourceCreate2d, { resourceId: 7, format: Format.B8G8R8X8Unorm, width: WIDTH, height: HEIGHT });
  assertEquals(machine.driver.attachBacking(7, [{ addr, length }]).header.type, ResponseType.OkNodata);
  send(machine, writeSetScanout, { rect, scanoutId: 0, resourceId: 7 });
  send(machine, writeTransferToHost2d, { rect, offset: 0, resourceId: 7 });
  send(machine, writeResourceFlush, { rect, resourceId: 7 });
  return addr;
}

function readSize({ driver }: FrontEndMachine): [width: number, height: number, enabled: number] {
  const { words } = driver.send(writeGetDisplayInfo, {}, { replyBytes: RESP_DISPLAY_INFO_SIZE });
  const { rect: { width, height }, enabled } = readRespDisplayInfo(words, 0).pmodes[0]!;
  return [width, height, enabled];
}

testOnLinux("The launcher shows a front end and HTTP what its guest draws, and ends with the front end", async () => {
  const program = new Program(["--http=0"]);
  const [, url] = await program.line(/^The screens are at (http:\S+)$/m);
  await program.line(/^Waiting for a front end at socket$/m);
  const { machine, socket } = machineWith(program.path);

  showPicture(machine, 0x102030);
  await socket.workUntil(() => socket.shown.told.filter(([name]) => name === "UPDATE").length === 3);
  const { rgba } = decodePng(await (await fetch(`${url}scanout/0.png`)).bytes());
  const facts = await (await fetch(`${url}scanout/0.json`)).json();
  machine.close();
  socket.close();
  const { code, errors } = await program.end();

  const { pixels, width, height } = socket.shown.surfaces.get(0)!;
  assertEquals([width, height], [WIDTH, HEIGHT]);
  assertEquals(pixels, Uint32Array.from({ length: WIDTH * HEIGHT }, (_, index) => 0xff000000 + 0x102030 + index));
  assertEquals([...rgba.subarray(0, 8)], [0x10, 0x20, 0x30, 255, 0x10, 0x20, 0x31, 255]);
  assertEquals([facts.width, facts.height, facts.format, facts.resource], [WIDTH, HEIGHT, "B8G8R8X8", 7]);
  assertEquals([code, errors], [0, ""]);
});

testOnLinux("The launcher takes a connected socket by --fd, as libvirt starts it", async () => {
  using pieces = new LinuxPieces();
  const [ours, theirs] = makeSocketPair(pieces.libc);
  pieces.libc.calls.fcntl(theirs, F_SETFD, 0); // inherited
  const program = new Deno.Command(LAUNCHER, {
    args: [`--fd=${theirs}`],
    env: { SCANOUT_DENO: Deno.execPath(), NO_COLOR: "1" },
    stdout: "piped",
    stderr: "null",
  }).spawn();
  pieces.fds.close(theirs);

  const frontEnd = new VhostFrontEnd(new FrontEndSocket(pieces.libc, ours));
  frontEnd.introduce();
  frontEnd.socket.close();
  const { code, stdout } = await program.output();

  assertEquals(code, 0);
  assertEquals(new TextDecoder().decode(stdout), `Serving the front end at file descriptor ${theirs}\n`);
});

testOnLinux("A guest is told of the monitors that its front end has at that moment", async () => {
  await withProgram([], (program) => {
    const { machine, socket } = machineWith(program.path);
    using _ = machine;

    assertEquals(readSize(machine), [1280, 800, 1]);
    socket.monitors = [[1920, 1080]];
    assertEquals(readSize(machine), [1920, 1080, 1]);
    socket.monitors = [undefined];
    assertEquals(readSize(machine)[2], 0);

    socket.close();
    return Promise.resolve();
  });
});

testOnLinux("A guest is given the EDID that its front end has", async () => {
  await withProgram([], (program) => {
    const { machine, socket } = machineWith(program.path);
    using _ = machine;
    socket.features = 1 << GpuProtocolFeature.Edid;

    const { words } = machine.driver.send(writeGetEdid, { scanout: 0 }, { replyBytes: RESP_EDID_SIZE });

    assertEquals(readRespEdid(words, 0).size, 4);
    assertEquals([...new Uint8Array(words.buffer, RESP_EDID_EDID_OFFSET, 4)], [0, 1, 2, 3]);
    socket.close();
    return Promise.resolve();
  });
});

testOnLinux(
  "A front end that does not say what its monitors are keeps its guest waiting for a second, once",
  async () => {
    const { code, errors } = await withProgram(["--resolution=800x600"], (program) => {
      const { machine, socket } = machineWith(program.path);
      using _ = machine;
      socket.isAnswering = false;

      assertEquals(readSize(machine), [800, 600, 1]);
      assertEquals(readSize(machine), [800, 600, 1]);

      assert(socket.work(), "the socket must stay open");
      socket.close();
      return Promise.resolve();
    });

    assertEquals(code, 0);
    assertMatch(
      errors,
      /nothing is shown on the display socket any more: the front end does not say what its monitors are/,
    );
  },
);

testOnLinux("A front end that does not read its display socket holds up no command", async () => {
  await withProgram([], async (program) => {
    const { machine, socket } = machineWith(program.path);
    using _ = machine;
    machine.transport.waitUntil = Object.getPrototypeOf(machine.transport).waitUntil; // without reading
    const addr = showPicture(machine, 0);
    const rect = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
    for (let frame = 1; frame <= 20; frame++) {
      machine.ram.guest.words(addr, WIDTH * HEIGHT).fill(frame);
      send(machine, writeTransferToHost2d, { rect, offset: 0, resourceId: 7 });
      send(machine, writeResourceFlush, { rect, resourceId: 7 });
    }

    await socket.workUntil(() => socket.shown.surfaces.get(0)?.pixels.every((pixel) => pixel === 0xff000014) ?? false);

    socket.close();
  });
});

testOnLinux(
  "A front end that comes again after its guest's reset is shown everything anew, cursor included",
  async () => {
    await withProgram(["--keep"], async (program) => {
      const { machine, socket: first } = machineWith(program.path);
      showPicture(machine, 5);
      const pos = { scanoutId: 0, x: 3, y: 4 };
      send(machine, writeResourceCreate2d, { resourceId: 8, format: Format.B8G8R8A8Unorm, width: 64, height: 64 });
      machine.driver.send(writeUpdateCursor, { pos, resourceId: 8, hotX: 1, hotY: 2 }, { queue: GpuQueue.Cursor });
      await first.workUntil(() => first.shown.names.includes("CURSOR_UPDATE"));
      first.close(); // QEMU does so when the guest resets the device, or the machine is paused
      const second = new GpuSocketEnd(machine.libc);

      machine.frontEnd.setGpuSocket(second.backEndFd);
      machine.fds.close(second.backEndFd);
      await second.workUntil(() => second.shown.told.filter(([name]) => name === "UPDATE").length === 3);

      assertEquals(second.shown.surfaces.get(0)!.pixels[0], 0xff000005);
      assertEquals(second.shown.told.find(([name]) => name === "CURSOR_UPDATE"), ["CURSOR_UPDATE", 0, 3, 4, 1, 2]);
      machine.close();
      second.close();
    });
  },
);

testOnLinux("With --headless nothing is said on the display socket", async () => {
  await withProgram(["--headless"], (program) => {
    const { machine, socket } = machineWith(program.path);
    using _ = machine;

    showPicture(machine, 0);
    assertEquals(readSize(machine), [1280, 800, 1]);

    assert(socket.work());
    assertEquals(socket.shown.told, []);
    socket.close();
    return Promise.resolve();
  });
});

testOnLinux(
  "A program that cannot listen, or not show the screens there, ends with status 1 and no socket",
  async () => {
    const first = new Program(["--http=0"]);
    const [, port] = await first.line(/^The screens are at http:\S+:(\d+)\/$/m);

    const second = new Program([`--http=${port}`]);
    const { code, errors } = await second.end();

    assertEquals(code, 1);
    assertMatch(errors, new RegExp(`^scanout: Cannot show the screens at 127.0.0.1 port ${port}: `));
    first.stop();
    assertEquals((await first.end()).code, 0);
  },
);

Deno.test("The file for libvirt names what it starts as QEMU's schema says", async () => {
  const file = new URL("../../packaging/vhost-user/50-scanout-gpu.json", import.meta.url);

  const { description, type, binary, ...rest } = JSON.parse(await Deno.readTextFile(file));

  assertEquals([typeof description, type, Object.keys(rest)], ["string", "gpu", []]);
  assertMatch(binary, /^\/.*\/scanout-vhost-user-gpu$/);
});

Deno.test("docs/qemu.md has the launcher's permissions", async () => {
  const launcher = await Deno.readTextFile(LAUNCHER);
  const docs = await Deno.readTextFile(new URL("../../docs/qemu.md", import.meta.url));

  for (const [, permission] of launcher.matchAll(/^ {2}(--allow-(?:ffi|env)=\S+)/gm)) {
    assert(docs.includes(permission!));
  }
  assertEquals(launcher.includes("-A"), false);
});
