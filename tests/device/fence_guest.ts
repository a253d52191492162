import type { Descriptor, DriverQueue } from "../../src/guest/driver_queue.ts";
import type { GpuDriver, Writer } from "../../src/guest/gpu_driver.ts";
import type { GuestRam } from "../../src/guest/guest_ram.ts";
import {
  CtrlFlag,
  type CtrlHdr,
  GpuQueue,
  readCtrlHdr,
  responseName,
  writeCtxCreate,
  writeCtxDestroy,
  writeResourceUnref,
  writeSubmit3d,
} from "../../src/protocol/wire.gen.ts";
import { type Machine, type MachineOptions, startMachine } from "../support/machine.ts";
import { HandRenderer } from "./hand_renderer.ts";

/** How a request is posted; everything has a default. */
export interface PostOptions {
  queue?: GpuQueue;
  /** Bytes that follow the command. */
  trailing?: Uint32Array;
  /** Room for the reply; that of a header when absent. */
  replyBytes?: number;
  /** Whether the chain is an indirect table. */
  isIndirect?: boolean;
}

/** A request that stands in a queue. */
export interface Posted {
  /** Its number, also its fence's. */
  id: number;
  head: number;
  request: number;
  reply: number;
  replyBytes: number;
}

/** What came back for a request. */
export interface Answered {
  id: number;
  answer: string;
  usedLength: number;
}

const REQUEST_BYTES = 256;

/** A fence's ring: of a context, or the timeline that all contexts share when absent. */
export type Ring = readonly [contextId: number, ringIndex: number];

/** A guest that posts requests without waiting for their answers, and sees in which order they come. */
export class FenceGuest {
  readonly driver: GpuDriver;
  readonly ram: GuestRam;
  readonly #posted = new Map<number, Posted>();
  #nextId = 1;

  constructor({ driver, ram }: { driver: GpuDriver; ram: GuestRam }) {
    this.driver = driver;
    this.ram = ram;
  }

  /** Puts a request into its queue, without a kick. */
  post<F>(write: Writer<F>, fields: F, options: PostOptions = {}): Posted {
    const { queue = GpuQueue.Control, trailing, replyBytes = 24, isIndirect = false } = options;
    const request = this.ram.allocate(REQUEST_BYTES);
    const reply = this.ram.allocate(Math.max(replyBytes, 4));
    const words = this.ram.words(request, REQUEST_BYTES / 4);
    let length = write(words, 0, fields);
    if (trailing !== undefined) {
      words.set(trailing, length / 4);
      length += trailing.byteLength;
    }
    const chain: Descriptor[] = [{ address: request, length }];
    if (replyBytes > 0) chain.push({ address: reply, length: replyBytes, isWritable: true });
    const ring = this.queue(queue);
    const head = isIndirect ? ring.writeIndirectChain(chain) : ring.writeChain(chain);
    const posted = { id: this.#nextId++, head, request, reply, replyBytes };
    this.#posted.set(keyOf(queue, head), posted);
    ring.push(head);
    return posted;
  }

  /** Posts a fenced SUBMIT_3D of one word, the request's number, and kicks. */
  submit(ring?: Ring, options: PostOptions = {}): Posted {
    const stream = Uint32Array.of(this.#nextId);
    const fields = { ctxId: 1, ...this.fence(ring), size: stream.byteLength };
    const posted = this.post(writeSubmit3d, fields, { trailing: stream, ...options });
    this.kick();
    return posted;
  }

  /** Posts a fenced command that is refused, and kicks. */
  refused(ring?: Ring): Posted {
    const posted = this.post(writeResourceUnref, { resourceId: 0xdead, ...this.fence(ring) });
    this.kick();
    return posted;
  }

  /** Makes contexts and takes the answers. */
  createContexts(...ids: number[]): void {
    for (const ctxId of ids) this.post(writeCtxCreate, { ctxId, contextInit: 0, nlen: 0 });
    this.kick();
    const answers = this.answers().map(({ answer }) => answer);
    if (answers.length !== ids.length || answers.some((answer) => answer !== "OK_NODATA")) {
      throw new Error(`Cannot make the contexts ${ids}: the answers are ${answers}`);
    }
  }

  /** Posts a CTX_DESTROY, fenced if `ring` is not null, and kicks. */
  destroyContext(ctxId: number): Posted {
    const posted = this.post(writeCtxDestroy, { ctxId });
    this.kick();
    return posted;
  }

  /** A header's fields for a fence with the number of the next request. */
  fence(ring?: Ring): Partial<CtrlHdr> {
    const fence = { flags: CtrlFlag.Fence as number, fenceIdLow: this.#nextId, fenceIdHigh: 0 };
    if (ring === undefined) return fence;
    return { ...fence, flags: CtrlFlag.Fence | CtrlFlag.InfoRingIdx, ctxId: ring[0], ringIdx: ring[1] };
  }

  kick(queue: GpuQueue = GpuQueue.Control): void {
    this.driver.transport.kick(queue);
  }

  queue(queue: GpuQueue = GpuQueue.Control): DriverQueue {
    return this.driver.queue(queue);
  }

  /** Takes what was answered since the last call, in the order of the used ring. */
  answers(queue: GpuQueue = GpuQueue.Control): Answered[] {
    const answers: Answered[] = [];
    const ring = this.queue(queue);
    for (let used = ring.pop(); used !== undefined; used = ring.pop()) {
      const posted = this.#posted.get(keyOf(queue, used.head));
      if (posted === undefined) throw new Error(`The device answered the chain ${used.head}, which was not posted`);
      this.#posted.delete(keyOf(queue, used.head));
      const { type } = this.header(posted);
      answers.push({ id: posted.id, answer: used.length === 0 ? "" : responseName(type), usedLength: used.length });
    }
    return answers;
  }

  /** The numbers of what was answered since the last call, in the order of the used ring. */
  ids(queue: GpuQueue = GpuQueue.Control): number[] {
    return this.answers(queue).map(({ id }) => id);
  }

  /** The header of a request's reply. */
  header({ reply }: Posted): CtrlHdr {
    const header = { type: 0, flags: 0, fenceIdLow: 0, fenceIdHigh: 0, ctxId: 0, ringIdx: 0 };
    return readCtrlHdr(this.ram.words(reply, 6), 0, header);
  }
}

function keyOf(queue: GpuQueue, head: number): number {
  return queue * 65536 + head;
}

/** A machine with a renderer that is driven by hand, and its guest with contexts 1 and 2. */
export interface FenceMachine extends Machine {
  renderer: HandRenderer;
  fences: FenceGuest;
}

/** Makes a machine whose fences a test ends by hand. */
export async function startFences(options: MachineOptions = {}): Promise<FenceMachine> {
  const renderer = new HandRenderer();
  const machine = await startMachine({ renderer, ...options });
  const fences = new FenceGuest(machine);
  fences.createContexts(1, 2);
  renderer.calls.splice(0);
  return { ...machine, renderer, fences };
}
