// Front ends that send what no front end should: a back end answers, closes the connection or goes on, and serves the next.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { F_SETFL } from "../../src/hosts/deno/linux_abi.ts";
import { makeMemoryFile } from "../../src/hosts/deno/memory_file.ts";
import { makeSocketPair } from "../../src/hosts/deno/unix_socket.ts";
import { FrontEndRequest, MessageFlag, VHOST_USER_VERSION } from "../../src/transport/vhost_user/vhost_user.gen.ts";
import { GpuQueue, RESP_DISPLAY_INFO_SIZE, ResponseType, writeGetDisplayInfo } from "../../src/protocol/wire.gen.ts";
import { BackEndProcess } from "../support/vhost_front_end/back_end_process.ts";
import { FrontEndMachine } from "../support/vhost_front_end/front_end_machine.ts";

const OK = ResponseType.OkDisplayInfo;

/** Kinds of files that a front end may send whatever is asked for. */
const FILES: [name: string, make: (machine: FrontEndMachine) => number[]][] = [
  ["an eventfd", ({ fds }) => [fds.makeEvent()]],
  ["an eventfd that blocks", ({ libc }) => [libc.calls.eventfd(0, 0)]],
  ["a file", ({ libc }) => [makeMemoryFile(libc, "hostile", 4096)]],
  ["an empty file", ({ libc }) => [makeMemoryFile(libc, "hostile", 0)]],
  ["a socket", ({ libc }) => makeSocketPair(libc)],
  ["a socket whose other end has gone", ({ libc, fds }) => {
    const [near, far] = makeSocketPair(libc);
    fds.close(far);
    return [near];
  }],
  ["an epoll descriptor", ({ libc }) => [libc.calls.epoll_create1(0)]],
];

/** Requests that bring one file, with a payload under which it is used. */
const REQUESTS: [name: string, send: (machine: FrontEndMachine, fd: number) => void][] = [
  ["SET_VRING_KICK", ({ frontEnd }, fd) => frontEnd.socket.send(FrontEndRequest.SetVringKick, [0, 0], [fd])],
  ["SET_VRING_CALL", ({ frontEnd }, fd) => frontEnd.socket.send(FrontEndRequest.SetVringCall, [0, 0], [fd])],
  ["SET_VRING_ERR", ({ frontEnd }, fd) => frontEnd.socket.send(FrontEndRequest.SetVringErr, [0, 0], [fd])],
  ["SET_BACKEND_REQ_FD", ({ frontEnd }, fd) => frontEnd.socket.send(FrontEndRequest.SetBackendReqFd, [], [fd])],
  ["GPU_SET_SOCKET", ({ frontEnd }, fd) => frontEnd.socket.send(FrontEndRequest.GpuSetSocket, [], [fd])],
  ["SET_MEM_TABLE", ({ frontEnd, ram }, fd) => {
    const { guestAddress, sizeBytes } = ram.regions[0]!;
    const words = [1, 0, guestAddress, 0, sizeBytes, 0, 0, 0x5500, 0, 0];
    frontEnd.socket.send(FrontEndRequest.SetMemTable, words, [fd]);
  }],
];

/** Lets a front end come and draw, which shows that the back end is as good as new. */
function serve(backEnd: BackEndProcess): void {
  using machine = new FrontEndMachine(backEnd.path);
  machine.driver.start();
  assertEquals(machine.driver.send(writeGetDisplayInfo, {}, { replyBytes: RESP_DISPLAY_INFO_SIZE }).header.type, OK);
}

for (const [request, send] of REQUESTS) {
  Deno.test(`any file may come with ${request}`, async () => {
    await using backEnd = await BackEndProcess.start({ keep: true });
    for (const [name, make] of FILES) {
      using machine = new FrontEndMachine(backEnd.path);
      const fds = make(machine);
      machine.driver.start();
      send(machine, fds[0]!);
      machine.transport.signalKick(GpuQueue.Control);
      for (const fd of fds) machine.fds.signal(fd);
      const answer = askOnce(machine);
      assert(answer === "an answer" || answer === "closed", `${name}: ${answer}`);
      for (const fd of fds) machine.fds.close(fd);
    }
    serve(backEnd);
  });
}

/** Whether the back end still answers. */
function askOnce({ frontEnd: { socket } }: FrontEndMachine): string {
  try {
    socket.ask(FrontEndRequest.GetFeatures);
    return "an answer";
  } catch (error) {
    const { message } = error as Error;
    return message.endsWith("a closed socket") || message === "The back end takes no message" ? "closed" : message;
  }
}

Deno.test("messages in pieces, cut off, too long and of other versions end a connection at most", async () => {
  await using backEnd = await BackEndProcess.start({ keep: true });
  const bytes = (...words: number[]) => new Uint8Array(Uint32Array.from(words).buffer);
  const messages = [
    bytes(FrontEndRequest.GetFeatures, VHOST_USER_VERSION, 0).subarray(0, 7),
    bytes(FrontEndRequest.SetFeatures, VHOST_USER_VERSION, 8, 0).subarray(0, 14),
    bytes(FrontEndRequest.SetFeatures, VHOST_USER_VERSION, 0xffffffff),
    bytes(FrontEndRequest.SetMemTable, VHOST_USER_VERSION, 4096),
    bytes(FrontEndRequest.GetFeatures, 2, 0),
    bytes(FrontEndRequest.GetFeatures, VHOST_USER_VERSION | MessageFlag.Reply, 0),
    bytes(0, VHOST_USER_VERSION, 0),
    bytes(0xffffffff, VHOST_USER_VERSION, 0),
  ];
  for (const message of messages) {
    using machine = new FrontEndMachine(backEnd.path);
    machine.frontEnd.socket.sendBytes(message);
  }
  using machine = new FrontEndMachine(backEnd.path);
  for (const byte of bytes(FrontEndRequest.GetQueueNum, VHOST_USER_VERSION, 0)) {
    machine.frontEnd.socket.sendBytes(Uint8Array.of(byte));
  }
  assertEquals(machine.frontEnd.socket.receive()?.words[0], 2);
});

Deno.test("a front end that asks and does not read is sent away", async () => {
  await using backEnd = await BackEndProcess.start({ keep: true });
  using machine = new FrontEndMachine(backEnd.path);
  const { socket } = machine.frontEnd;
  const ask = () => {
    try {
      socket.send(FrontEndRequest.GetFeatures);
      return true;
    } catch {
      return false; // its own side is full, too, or closed
    }
  };
  for (let count = 0; count < 100_000; count++) {
    if (!ask()) await new Promise((resolve) => setTimeout(resolve, 1));
    if (backEnd.output.includes("does not read")) break;
  }

  await backEnd.waitFor(/^warning: the front end is disconnected: it does not read what it asked for$/m);
  serve(backEnd);
});

Deno.test("a call that is full and nobody reads does not stop the ring", async () => {
  await using backEnd = await BackEndProcess.start();
  using machine = new FrontEndMachine(backEnd.path);
  const { driver, frontEnd, fds, libc } = machine;
  driver.start();
  const [near, far] = makeSocketPair(libc);
  libc.calls.fcntl(far, F_SETFL, 0); // a call that blocks
  frontEnd.tell(FrontEndRequest.SetVringCall, [GpuQueue.Control, 0], [far]);
  const answered = () => driver.queue(GpuQueue.Control).pop() !== undefined;
  const queue = driver.queue(GpuQueue.Control);
  const reply = { address: 8192, length: 24, isWritable: true };

  for (let count = 0; count < 10_000; count++) {
    queue.requestInterrupt(count);
    queue.push(queue.writeChain([{ address: 4096, length: 24 }, reply]));
    machine.transport.signalKick(GpuQueue.Control);
    const deadline = performance.now() + 5000;
    while (!answered()) assert(performance.now() < deadline, `request ${count} is not answered`);
  }

  for (const fd of [near, far]) fds.close(fd);
});

Deno.test("a front end that makes the back end wait for it does not keep it from ending", async () => {
  await using backEnd = await BackEndProcess.start({ keep: true });
  using machine = new FrontEndMachine(backEnd.path);
  const { driver, frontEnd, fds, libc, transport } = machine;
  driver.start();
  const call = libc.calls.eventfd(0, 0);
  frontEnd.tell(FrontEndRequest.SetVringCall, [GpuQueue.Control, 0], [call]);
  const most = new Uint8Array(new BigUint64Array([2n ** 64n - 2n]).buffer);
  libc.calls.write(call, most, 8n);
  libc.calls.fcntl(call, F_SETFL, 0); // it undoes what the back end did to the file that both have
  const queue = driver.queue(GpuQueue.Control);
  queue.requestInterrupt(0);
  queue.push(queue.writeChain([{ address: 4096, length: 24 }]));
  transport.signalKick(GpuQueue.Control);
  transport.waitUntil(() => queue.pop() !== undefined, "the request is not answered");

  const { code } = await backEnd.end();

  assertEquals(code, 1);
  assertMatch(backEnd.output, /failed: The back end does not end$/m);
  fds.close(call);
});
