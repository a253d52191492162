import { assert, assertEquals } from "@std/assert";
import {
  Format,
  GpuQueue,
  readCtrlHdr,
  ResponseType,
  writeCtxDestroy,
  writeResourceAttachBacking,
  writeResourceCreate2d,
  writeResourceFlush,
  writeResourceUnref,
  writeSetScanout,
  writeTransferToHost2d,
} from "../../../src/protocol/wire.gen.ts";
import { entryWords, type Writer } from "../../../src/guest/gpu_driver.ts";
import type { BatchWriter } from "./fuzz_batch.ts";
import type { FuzzSession } from "./fuzz_session.ts";
import type { GuestSpace } from "./guest_space.ts";

const PROBE_ID = 0x5ca1_0001;
const SCANOUT = 1;
const WIDTH = 5;
const HEIGHT = 3;
const PIXEL_BYTES = WIDTH * HEIGHT * 4;
const FIRST_PART_BYTES = 23; // in the middle of a pixel

/** Sends commands of which each must be understood: what a good guest gets after all that a bad one did. */
export class Probe {
  readonly #session: FuzzSession;
  readonly #space: GuestSpace;
  readonly #writer: BatchWriter;

  /** Sends through `writer`, which must be a polite one. */
  constructor(session: FuzzSession, space: GuestSpace, writer: BatchWriter) {
    this.#session = session;
    this.#space = space;
    this.#writer = writer;
  }

  /** Draws a picture by create, attach, transfer, set scanout and flush, and asserts that it is shown. */
  assertPicture(seed: number): void {
    const rect = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
    const pixels = Uint8Array.from({ length: PIXEL_BYTES }, (_, index) => seed + index * 7);
    const parts = this.#place(pixels);
    const size = { format: Format.R8G8B8A8Unorm, width: WIDTH, height: HEIGHT };
    this.#assertOk(writeResourceCreate2d, { resourceId: PROBE_ID, ...size });
    this.#assertOk(writeResourceAttachBacking, { resourceId: PROBE_ID, nrEntries: 2 }, entryWords(parts));
    this.#assertOk(writeTransferToHost2d, { resourceId: PROBE_ID, rect, offset: 0 });
    this.#assertOk(writeSetScanout, { resourceId: PROBE_ID, rect, scanoutId: SCANOUT });
    this.#assertOk(writeResourceFlush, { resourceId: PROBE_ID, rect });
    const opaque = pixels.map((byte, index) => index % 4 === 3 ? 255 : byte);
    this.#session.forEachMachine(({ display }) => assertEquals(display.picture(SCANOUT)?.rgba, opaque, "the probe"));
    this.#assertOk(writeResourceUnref, { resourceId: PROBE_ID });
  }

  /** Destroys these resources and returns how many of them there were. */
  unref(ids: Iterable<number>): number {
    let count = 0;
    for (const resourceId of ids) {
      const type = this.#send(writeResourceUnref, { resourceId });
      if (type === ResponseType.OkNodata) count++;
      else assertEquals(type, ResponseType.ErrInvalidResourceId);
    }
    return count;
  }

  /** Destroys these contexts, those of them that exist. */
  destroyContexts(ids: Iterable<number>): void {
    for (const ctxId of ids) {
      const type = this.#send(writeCtxDestroy, { ctxId });
      const refusals: number[] = [ResponseType.ErrInvalidContextId, ResponseType.ErrUnspec]; // without VIRGL, too
      if (type !== ResponseType.OkNodata) assert(refusals.includes(type));
    }
  }

  /** Puts the pixels into RAM in two parts. */
  #place(pixels: Uint8Array): { addr: number; length: number }[] {
    this.#space.beginBatch();
    return [pixels.subarray(0, FIRST_PART_BYTES), pixels.subarray(FIRST_PART_BYTES)].map((part) => {
      const addr = this.#space.take(part.length)!;
      this.#session.image.write(addr, part);
      return { addr, length: part.length };
    });
  }

  #assertOk<F>(write: Writer<F>, fields: F, trailing?: Uint32Array): void {
    assertEquals(this.#send(write, fields, trailing), ResponseType.OkNodata, `the answer to a good ${write.name}`);
  }

  /** Sends a request over the control queue and returns the type of the reply. */
  #send<F>(write: Writer<F>, fields: F, trailing: Uint32Array = new Uint32Array()): number {
    const words = new Uint32Array(64);
    const length = write(words, 0, fields);
    words.set(trailing, length / 4);
    const request = new Uint8Array(words.buffer, 0, length + trailing.byteLength);
    const queue = this.#session.queues[GpuQueue.Control]!;
    queue.beginBatch(0);
    this.#writer.push(queue, request, 24);
    const [chain] = this.#session.offered(queue).chains;
    assertEquals(this.#session.run(), "answered", "a good command");
    const reply = new Uint32Array(this.#session.replyTo(chain!, queue).buffer);
    return readCtrlHdr(reply, 0, { type: 0, flags: 0, fenceIdLow: 0, fenceIdHigh: 0, ctxId: 0, ringIdx: 0 }).type;
  }
}
