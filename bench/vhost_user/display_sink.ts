/**
 * The Worker at the other end of a display socket: it plays QEMU's side, answers questions, reads every picture to its end,
 * and drops it. It blocks in its reads, and ends when the back end closes the socket.
 */

import { Libc } from "../../src/hosts/deno/libc.ts";
import {
  GPU_FEATURES_SIZE,
  GPU_MESSAGE_HEADER_SIZE,
  GPU_MESSAGE_REPLY,
  GPU_UPDATE_PIXELS_OFFSET,
  GpuRequest,
  readGpuMessageHeader,
  writeGpuMessageHeader,
} from "../../src/display/vhost_user_gpu.gen.ts";
import { RESP_DISPLAY_INFO_SIZE, writeRespDisplayInfo } from "../../src/protocol/wire.gen.ts";

/** What the Worker is told at its start. */
export interface SinkStart {
  /** Its end of the socket, which it owns. */
  readonly fd: number;
  /** Where it counts the bytes of pixels, and wakes whoever waits for them. */
  readonly counts: SharedArrayBuffer;
}

interface WorkerScope {
  readonly name?: string;
  onmessage: ((event: MessageEvent<SinkStart>) => void) | null;
  close(): void;
}

const NAME = "display sink";
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
const PAYLOAD = GPU_MESSAGE_HEADER_SIZE / 4;
const PATIENCE_MILLISECONDS = 10_000;
const QUIET_MILLISECONDS = 20;
const WIDTH = 1920;
const HEIGHT = 1080;

/** Pictures that come on one display socket. */
export class DisplaySink {
  readonly #counts = new BigInt64Array(new SharedArrayBuffer(8));

  /** Reads what comes on `fd`, whose reads wait, and which it owns from now on. */
  constructor(fd: number) {
    const worker = new Worker(import.meta.url, { type: "module", name: NAME });
    worker.postMessage({ fd, counts: this.#counts.buffer as SharedArrayBuffer } satisfies SinkStart);
  }

  /** How many bytes of pixels have come. */
  get bytes(): number {
    return Number(Atomics.load(this.#counts, 0));
  }

  /** Waits until `bytes` bytes have come in all. Throws `Error` when nothing comes for long. */
  waitFor(bytes: number): void {
    for (let now = this.bytes; now < bytes; now = this.bytes) {
      const isSilent = Atomics.wait(this.#counts, 0, BigInt(now), PATIENCE_MILLISECONDS) === "timed-out";
      if (isSilent) throw new Error(`The display is shown ${now} bytes instead of ${bytes}`);
    }
  }

  /** Waits until nothing comes any more. */
  settle(): void {
    while (Atomics.wait(this.#counts, 0, BigInt(this.bytes), QUIET_MILLISECONDS) !== "timed-out");
  }
}

function serve({ fd, counts }: SinkStart): void {
  const libc = new Libc();
  const bytesSeen = new BigInt64Array(counts);
  const room = new Uint8Array(new ArrayBuffer(MAX_MESSAGE_BYTES));
  const words = new Uint32Array(room.buffer);
  while (fill(libc, fd, room.subarray(0, GPU_MESSAGE_HEADER_SIZE))) {
    const { request, sizeBytes } = readGpuMessageHeader(words, 0);
    if (!fill(libc, fd, room.subarray(GPU_MESSAGE_HEADER_SIZE, GPU_MESSAGE_HEADER_SIZE + sizeBytes))) break;
    if (request === GpuRequest.Update) {
      Atomics.add(bytesSeen, 0, BigInt(sizeBytes - GPU_UPDATE_PIXELS_OFFSET));
      Atomics.notify(bytesSeen, 0);
    }
    const replyBytes = writeReply(words, request);
    if (replyBytes === 0) continue;
    writeGpuMessageHeader(words, 0, { request, flags: GPU_MESSAGE_REPLY, sizeBytes: replyBytes });
    libc.calls.write(fd, room, BigInt(GPU_MESSAGE_HEADER_SIZE + replyBytes));
  }
  libc.calls.close(fd);
  libc.close();
}

/** Writes the payload of the reply to `request`, and returns its length; 0 when there is none. */
function writeReply(words: Uint32Array, request: number): number {
  switch (request) {
    case GpuRequest.GetProtocolFeatures:
      words.fill(0, PAYLOAD, PAYLOAD + GPU_FEATURES_SIZE / 4);
      return GPU_FEATURES_SIZE;
    case GpuRequest.GetDisplayInfo: {
      const nothing = { rect: { x: 0, y: 0, width: 0, height: 0 }, enabled: 0, flags: 0 };
      const pmodes = Array.from({ length: 16 }, () => nothing);
      pmodes[0] = { rect: { x: 0, y: 0, width: WIDTH, height: HEIGHT }, enabled: 1, flags: 0 };
      writeRespDisplayInfo(words, PAYLOAD, { pmodes });
      return RESP_DISPLAY_INFO_SIZE;
    }
  }
  return 0;
}

function fill(libc: Libc, fd: number, into: Uint8Array<ArrayBuffer>): boolean {
  for (let filled = 0; filled < into.length;) {
    const count = libc.calls.read(fd, into.subarray(filled), BigInt(into.length - filled));
    if (count <= 0) return false;
    filled += count;
  }
  return true;
}

const scope = globalThis as unknown as WorkerScope;
if (scope.name === NAME) {
  scope.onmessage = ({ data }) => {
    serve(data);
    scope.close();
  };
}
