import { NO_FENCE, NO_RING } from "../protocol/timeline.ts";
import { CommandType, CtrlFlag, type CtrlHdr, GpuFeature } from "../protocol/wire.gen.ts";
import type { Renderer } from "../renderer/renderer.ts";
import { hasFeature } from "../virtio/virtio_device.ts";
import { commandRules } from "./command_rules.ts";
import { RINGS_PER_CONTEXT } from "./fence_table.ts";
import type { GpuState } from "./gpu_state.ts";

/** The timeline of no ring, which all contexts share, is that of no context. */
const NO_CONTEXT = 0;

/**
 * The fence of the command in progress: its timeline, and its slot as soon as it needs one. Virtio 1.4, 5.7.6.7
 * (VIRTIO_GPU_FLAG_FENCE, VIRTIO_GPU_FLAG_INFO_RING_IDX). A device without a renderer has none: its work is done when the
 * command is.
 */
export class CommandFence {
  /** Which ring of the context the command belongs to, 0 to 63, or `NO_RING`. */
  ringIndex: number = NO_RING;
  /** Whether the command has a fence. */
  isWanted = false;
  /** Whether the command has a fence on a ring that no context has. */
  isRingUnknown = false;
  /** The slot, or `NO_FENCE` while it has none. */
  slot: number = NO_FENCE;
  readonly #state: GpuState;
  /** Whether the renderer has the slot, by which it says that the work is done. */
  #isRenderers = false;
  #contextId: number = NO_CONTEXT;
  #timelineRing: number = NO_RING;

  /** The fences of commands that read and change `state`. */
  constructor(state: GpuState) {
    this.#state = state;
  }

  /** Begins with the command of `header`, which has the slot already if it was put back with one. */
  begin(header: CtrlHdr, slot: number): void {
    const { flags } = header;
    this.slot = slot;
    this.#isRenderers = false;
    this.isWanted = (flags & CtrlFlag.Fence) !== 0;
    this.isRingUnknown = false;
    this.ringIndex = NO_RING;
    this.#contextId = NO_CONTEXT;
    this.#timelineRing = NO_RING;
    if ((flags & CtrlFlag.InfoRingIdx) !== 0) this.#beginOnRing(header);
  }

  #beginOnRing({ type, ctxId, ringIdx }: CtrlHdr): void {
    const { contexts, features } = this.#state;
    if (!hasFeature(features, GpuFeature.ContextInit)) return; // the flag means nothing
    this.isRingUnknown = this.isWanted && ringIdx >= RINGS_PER_CONTEXT;
    if (ringIdx >= RINGS_PER_CONTEXT) return;
    this.ringIndex = ringIdx;
    if (!this.isWanted || type === CommandType.CtxDestroy) return; // the end of a context is on no ring of its own
    if (contexts.get(ctxId) === undefined) return;
    this.#contextId = ctxId | 0;
    this.#timelineRing = ringIdx;
  }

  /** Whether a command of `type` has to wait for other fences before it is carried out. */
  mustWait(type: number): boolean {
    if (!this.isWanted || this.slot !== NO_FENCE) return false;
    const { fences } = this.#state;
    if (fences.isFull) return true; // it may need a slot, and no answer says "come again"
    const hasLargeReply = commandRules(type)?.isReplyTooLargeToPark ?? false;
    return hasLargeReply && !fences.isIdle(this.#contextId, this.#timelineRing);
  }

  /** The slot for the renderer, which is to say when the work is done. `NO_FENCE` when the command has no fence. */
  take(): number {
    this.#isRenderers = true;
    return this.reserve();
  }

  /** The slot: from now on, unless it has one. `NO_FENCE` when the command has no fence. */
  reserve(): number {
    if (this.isWanted && this.slot === NO_FENCE) {
      this.slot = this.#state.fences.begin(this.#contextId, this.#timelineRing);
    }
    return this.slot;
  }

  /** Whether the command of `type`, which was carried out or refused, can be answered now; else its chain is to be parked. */
  endsNow(renderer: Renderer, type: number, isRefused: boolean): boolean {
    if (!this.isWanted) return true;
    const { fences } = this.#state;
    const hasWork = !isRefused && (commandRules(type)?.isRendererWork ?? false);
    if (!hasWork) {
      if (this.slot === NO_FENCE && fences.isIdle(this.#contextId, this.#timelineRing)) return true;
      fences.markDone(this.reserve());
    } else if (!this.#isRenderers) {
      const slot = this.take();
      if (this.#timelineRing !== NO_RING) fences.standAlone(slot); // the renderer is not told of the ring
      renderer.fence(slot);
    }
    return fences.end(this.slot);
  }
}
