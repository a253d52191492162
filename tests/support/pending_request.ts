import { GpuQueue, MAX_COMMAND_SIZE, readCtrlHdr, responseName } from "../../src/protocol/wire.gen.ts";
import type { Writer } from "../../src/guest/gpu_driver.ts";
import type { Machine } from "./machine.ts";

const REPLY_BYTES = 64;

/** A request that the device may leave in its queue for a while. */
export class PendingRequest {
  readonly #machine: Machine;
  readonly #queue: GpuQueue;
  readonly #reply: number;
  readonly #head: number;
  /** Guest address of the request, for tests that write over it while it waits. */
  readonly address: number;
  #isAnswered = false;

  private constructor(
    machine: Machine,
    write: Writer<unknown>,
    fields: unknown,
    queue: GpuQueue,
    trailing: Uint32Array,
  ) {
    const { ram, driver } = machine;
    const request = ram.allocate(MAX_COMMAND_SIZE + trailing.byteLength);
    this.#machine = machine;
    this.#queue = queue;
    this.#reply = ram.allocate(REPLY_BYTES);
    this.address = request;
    const structBytes = write(ram.words(request, MAX_COMMAND_SIZE / 4), 0, fields);
    ram.words(request + structBytes, trailing.length).set(trailing);
    const length = structBytes + trailing.byteLength;
    this.#head = driver.queue(queue).writeChain([
      { address: request, length },
      { address: this.#reply, length: REPLY_BYTES, isWritable: true },
    ]);
    driver.queue(queue).push(this.#head);
    driver.transport.kick(queue);
  }

  /** Sends a request with a kick of its own; `trailing` follows its structure. */
  static send<F>(
    machine: Machine,
    write: Writer<F>,
    fields: F,
    queue: GpuQueue = GpuQueue.Control,
    trailing: Uint32Array = new Uint32Array(),
  ): PendingRequest {
    return new PendingRequest(machine, write as Writer<unknown>, fields, queue, trailing);
  }

  /** Lets the device do what it has put off, then the answer's name in the specification; undefined while there is none. */
  answer(): string | undefined {
    const { deferred, driver, ram } = this.#machine;
    while (deferred.length > 0) deferred.shift()!();
    if (!this.#isAnswered) {
      const used = driver.queue(this.#queue).pop();
      if (used === undefined) return undefined;
      if (used.head !== this.#head) {
        throw new Error(`The device has finished with chain ${used.head}, not ${this.#head}`);
      }
      this.#isAnswered = true;
    }
    const header = { type: 0, flags: 0, fenceIdLow: 0, fenceIdHigh: 0, ctxId: 0, ringIdx: 0 };
    return responseName(readCtrlHdr(ram.words(this.#reply, REPLY_BYTES / 4), 0, header).type);
  }
}
