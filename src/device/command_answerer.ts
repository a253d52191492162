import { LATER, type Outcome } from "../protocol/outcome.ts";
import type { GuestMemory } from "../memory/guest_memory.ts";
import { type Reason, Reasons } from "../protocol/reasons.ts";
import { NO_FENCE } from "../protocol/timeline.ts";
import { CommandReader, CommandType, CTRL_HDR_SIZE, type CtrlHdr, readCtrlHdr } from "../protocol/wire.gen.ts";
import type { Renderer } from "../renderer/renderer.ts";
import type { Chain } from "../virtio/chain.ts";
import type { SplitQueue } from "../virtio/split_queue.ts";
import { hasFeature } from "../virtio/virtio_device.ts";
import { CommandFence } from "./command_fence.ts";
import { commandRules } from "./command_rules.ts";
import { dispatch } from "./dispatch.ts";
import type { FenceDelivery } from "./fence_delivery.ts";
import type { GpuState } from "./gpu_state.ts";
import type { Reply } from "./reply.ts";
import { Request } from "./request.ts";
import { WaitFor, WaitingCommand } from "./waiting_command.ts";

/** What a device has done since it was made. */
export interface Counters {
  /** Commands that were answered, refused ones included. */
  commands: number;
  /** Commands that were refused. */
  errors: number;
  /** Bytes that commands moved. */
  bytes: number;
}

/** No queue: no command is in progress. */
const NONE = -1;

/**
 * Answers commands: checks the frame of each, has it carried out, and writes the reply. Virtio 1.4, 5.7.6.7. A command that
 * cannot be carried out now is put back, and its queue stands still; one whose fence waits is parked.
 */
export class CommandAnswerer {
  /** Counts what was answered. */
  readonly counters: Counters = { commands: 0, errors: 0, bytes: 0 };
  readonly #state: GpuState;
  readonly #guest: GuestMemory;
  readonly #reply: Reply;
  readonly #renderer: Renderer | undefined;
  readonly #delivery: FenceDelivery;
  /** One for each queue. */
  readonly #waiting: readonly WaitingCommand[];
  readonly #reader = new CommandReader();
  readonly #header: CtrlHdr = { type: 0, flags: 0, fenceIdLow: 0, fenceIdHigh: 0, ctxId: 0, ringIdx: 0 };
  readonly #fence: CommandFence;
  readonly #request: Request;
  /** The queue of the command in progress, and what of it was put back; of a device with a renderer. */
  #queue = NONE;
  #current: WaitingCommand | undefined;

  /** Answers commands of `queueCount` queues that read and change `state`; `delivery` delivers its fences. */
  constructor(state: GpuState, delivery: FenceDelivery, queueCount: number) {
    this.#state = state;
    this.#guest = state.guest;
    this.#reply = state.reply;
    this.#renderer = state.renderer;
    this.#delivery = delivery;
    this.#waiting = Array.from({ length: queueCount }, () => new WaitingCommand());
    this.#fence = new CommandFence(state);
    this.#request = new Request(this.#fence);
  }

  /** Whether a queue stands still, so that nothing may be taken from it. */
  isWaiting(queue: number): boolean {
    return this.#waiting[queue]!.waitsFor !== WaitFor.Nothing;
  }

  /**
   * Carries out the command in the ring's chain and hands the chain back with the reply, or parks it. False when the command
   * was put back: it is the next one of its queue, which stands still.
   */
  answer(ring: SplitQueue, queue: number): boolean {
    const renderer = this.#renderer;
    if (renderer !== undefined) return this.#answer3d(ring, queue, renderer);
    const { chain } = ring;
    const { words } = this.#guest; // once: to ask takes longer than to read, and nothing grows before the command begins
    readCtrlHdr(words, chain.command >>> 2, this.#header);
    const writableBytes = chain.writableBytesIn(words);
    this.#reply.begin();
    const refusal = this.#refusal(queue, chain.readableBytesIn(words), writableBytes) ??
      this.#execute(words, chain, undefined);
    ring.complete(this.#reply.address, this.#conclude(refusal, writableBytes));
    return true;
  }

  /** The same on a device with a renderer, whose commands may have begun before, and have fences. */
  #answer3d(ring: SplitQueue, queue: number, renderer: Renderer): boolean {
    const { chain } = ring;
    this.#beginAgain(chain, queue);
    const { words } = this.#guest;
    readCtrlHdr(words, chain.command >>> 2, this.#header);
    if (!this.#beginFence(ring)) return false;
    const writableBytes = chain.writableBytesIn(words);
    this.#reply.begin();
    const outcome = this.#refusal3d(queue, chain.readableBytesIn(words), writableBytes) ??
      this.#execute(words, chain, this.#current);
    if (outcome === LATER) return this.#postpone(ring);
    const replyBytes = this.#conclude(outcome, writableBytes);
    const isOver = this.#endFence(ring, renderer, outcome !== undefined, replyBytes);
    if (isOver) ring.complete(this.#reply.address, replyBytes);
    return true;
  }

  /** Ends a command that was carried out, or refused, and writes its reply's header. Returns how long the reply is. */
  #conclude(refusal: Outcome, writableBytes: number): number {
    const reply = this.#reply;
    const header = this.#header;
    this.counters.commands++;
    if (refusal !== undefined && refusal !== LATER) {
      this.counters.errors++;
      if (this.#state.errors.isHeard) this.#state.errors.report(header.type, refusal, true);
      reply.fail(refusal.response);
    }
    if (writableBytes < CTRL_HDR_SIZE) return 0;
    reply.writeHeader(header);
    return reply.sizeBytes;
  }

  /** The renderer or the host visible memory knows more; calls `tell` with each queue that may go on. */
  resume(tell: (queue: number) => void): void {
    this.#wake(WaitFor.Resume, tell);
  }

  /** A fence has ended; calls `tell` with each queue that may go on. */
  fenceEnded(tell: (queue: number) => void): void {
    this.#wake(WaitFor.Fence, tell);
  }

  /** Ends a command that somebody has thrown out of: its chain is lost. Void when there is none. */
  abandon(): void {
    if (this.#queue === NONE) return;
    this.#state.fences.abandon(this.#fence.slot);
    this.#waiting[this.#queue]!.clear();
    this.#queue = NONE;
  }

  /**
   * The driver has stopped a queue: forgets its command, if one waits. False when that has begun, and so must be asked again:
   * the queue stands still until the device is reset.
   */
  stopQueue(queue: number): boolean {
    const waiting = this.#waiting[queue]!;
    this.#state.fences.abandon(waiting.slot);
    if (waiting.isBegun) waiting.waitsFor = WaitFor.Reset;
    else waiting.clear();
    return !waiting.isBegun;
  }

  /** Forgets all commands. */
  reset(): void {
    for (const waiting of this.#waiting) waiting.clear();
    this.#fence.slot = NO_FENCE;
  }

  /** Why the command must not even begin, or undefined. */
  #refusal(queue: number, readableBytes: number, writableBytes: number): Reason | undefined {
    if (readableBytes < CTRL_HDR_SIZE) return Reasons.headerTooShort;
    const { type } = this.#header;
    const rules = commandRules(type);
    if (rules === undefined) return Reasons.commandUnknown;
    const { size, feature, replySize } = rules;
    if (rules.queue !== queue) return Reasons.wrongQueue;
    if (feature !== undefined && !hasFeature(this.#state.features, feature)) return refusalWithoutFeature(type);
    if (readableBytes < size) return Reasons.commandTooShort;
    const isCutOff = replySize > writableBytes && writableBytes >= CTRL_HDR_SIZE && replySize > CTRL_HDR_SIZE;
    return isCutOff ? Reasons.responseTooLong : undefined;
  }

  /** The same for a device with a renderer, whose commands may have begun before, and may be on a ring. */
  #refusal3d(queue: number, readableBytes: number, writableBytes: number): Reason | undefined {
    if (this.#current!.isBegun) return undefined;
    const refusal = this.#refusal(queue, readableBytes, writableBytes);
    if (refusal !== undefined) return refusal;
    const isOnRing = this.#fence.isRingUnknown && commandRules(this.#header.type)!.isOfContexts;
    return isOnRing ? Reasons.ringUnknown : undefined;
  }

  #execute(words: Uint32Array, chain: Chain, waiting: WaitingCommand | undefined): Outcome {
    const command = this.#reader.read(words, chain.command >>> 2);
    if (command === undefined) return Reasons.commandUnknown;
    this.#request.begin(chain, waiting);
    return dispatch(this.#state, command, this.#request);
  }

  /** Puts the command that was put back, if there is one, in the place of what the guest has made of it. */
  #beginAgain(chain: Chain, queue: number): void {
    const current = this.#waiting[queue]!;
    this.#queue = queue;
    this.#current = current;
    if (current.isKept) current.restore(this.#state.guest, chain);
  }

  /** Begins with the command's fence; false when others, or the renderer's work, must end before: it was put back. */
  #beginFence(ring: SplitQueue): boolean {
    this.#fence.begin(this.#header, this.#current!.slot);
    const { isBegun } = this.#current!; // the renderer may wait for this very command to take what it has asked for
    const isFull = !isBegun && (this.#renderer!.isFull?.() ?? false);
    if (!isFull && !this.#fence.mustWait(this.#header.type)) return true;
    this.#putBack(ring, isFull ? WaitFor.Resume : WaitFor.Fence);
    return false;
  }

  /** Delivers what comes before the command's answer. Tells whether that is now; else the command was parked. */
  #endFence(ring: SplitQueue, renderer: Renderer, isRefused: boolean, replyBytes: number): boolean {
    this.#delivery.deliver();
    const isOver = !this.#fence.isWanted || this.#endsNow(ring, renderer, isRefused, replyBytes);
    this.#delivery.deliver(); // what the renderer has called done just now comes before it, too
    if (this.#current!.isKept) this.#current!.clear();
    this.#queue = NONE;
    return isOver;
  }

  #endsNow(ring: SplitQueue, renderer: Renderer, isRefused: boolean, replyBytes: number): boolean {
    const { fences, reply } = this.#state;
    const fence = this.#fence;
    if (ring.isReleased) { // the guest, or the host, has ended the queue meanwhile
      fences.abandon(fence.slot);
      return true;
    }
    const isOver = fence.endsNow(renderer, this.#header.type, isRefused);
    if (!isOver) fences.park(fence.slot, this.#queue, ring.chain.head, reply.address, replyBytes);
    return isOver;
  }

  #postpone(ring: SplitQueue): false {
    const current = this.#current!;
    if (!current.isBegun) current.begin(ring.chain);
    this.#fence.reserve(); // others may take all slots meanwhile, and the renderer may wait for this very command
    this.#putBack(ring, WaitFor.Resume);
    return false;
  }

  #putBack(ring: SplitQueue, waitsFor: WaitFor): void {
    this.#current!.keep(this.#state.guest, ring.chain, waitsFor, this.#fence.slot);
    if (ring.isReleased) this.abandon();
    else ring.putBack();
    this.#queue = NONE;
  }

  #wake(reason: WaitFor, tell: (queue: number) => void): void {
    for (let queue = 0; queue < this.#waiting.length; queue++) {
      const waiting = this.#waiting[queue]!;
      if (waiting.waitsFor !== reason) continue;
      waiting.waitsFor = WaitFor.Nothing;
      tell(queue);
    }
  }
}

function refusalWithoutFeature(type: number): Reason {
  const isBlobCommand = type === CommandType.ResourceCreateBlob || type === CommandType.SetScanoutBlob;
  return isBlobCommand ? Reasons.blobFeatureMissing : Reasons.featureMissing;
}
