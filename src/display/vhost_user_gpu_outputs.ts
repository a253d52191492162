import type { RespDisplayInfo } from "../protocol/wire.gen.ts";
import { GpuProtocolFeature, GpuRequest } from "./vhost_user_gpu.gen.ts";
import {
  writeGetGpuDisplayInfo,
  writeGetGpuEdid,
  writeGetGpuProtocolFeatures,
  writeSetGpuProtocolFeatures,
} from "./vhost_user_gpu_messages.ts";
import type { GpuReply } from "./vhost_user_gpu_replies.ts";

/** A monitor, as the front end would like it. Nothing in it is checked. */
export interface GpuOutput {
  /** Whether it is connected; the sizes are those of nothing otherwise. */
  readonly isEnabled: boolean;
  readonly widthPixels: number;
  readonly heightPixels: number;
  /** Where it stands among the others, in pixels. */
  readonly x: number;
  readonly y: number;
  /** Its EDID; undefined when the front end does not know of EDIDs, or the monitor is not connected. */
  readonly edid: Uint8Array | undefined;
}

const EDID_BIT = 1 << GpuProtocolFeature.Edid;

type Writer = (words: Uint32Array) => number;

/** The questions to a front end about the monitors: one at a time is under way. */
export class GpuOutputQuestions {
  readonly #onOutputs: (outputs: readonly GpuOutput[]) => void;
  readonly #due: Writer[] = [writeGetGpuProtocolFeatures];
  #awaited: GpuReply["request"] | undefined;
  #hasEdid = false;
  #outputs: GpuOutput[] = [];
  readonly #edidIds: number[] = [];

  /** Questions to a new front end. `onOutputs` gets each answer, once it is whole. */
  constructor(onOutputs: (outputs: readonly GpuOutput[]) => void) {
    this.#onOutputs = onOutputs;
  }

  /** Asks for the monitors once more, unless that is under way. */
  askAgain(): void {
    if (this.#due.length === 0 && this.#awaited === undefined) this.#due.push(writeGetGpuDisplayInfo);
  }

  /** Writes the next question that is to be sent, and returns how many bytes it has; 0 when there is none. */
  writeNext(words: Uint32Array): number {
    if (this.#awaited !== undefined) return 0;
    const write = this.#due.shift();
    if (write === undefined) return 0;
    if (write === writeGetGpuProtocolFeatures) this.#awaited = GpuRequest.GetProtocolFeatures;
    else if (write === writeGetGpuDisplayInfo) this.#awaited = GpuRequest.GetDisplayInfo;
    else if (this.#edidIds.length > 0) this.#awaited = GpuRequest.GetEdid;
    return write(words);
  }

  /** Takes a reply; a sentence when it is one to no question. */
  hear(reply: GpuReply): string | undefined {
    if (reply.request !== this.#awaited) return `the display socket brought a reply to no question (${reply.request})`;
    this.#awaited = undefined;
    switch (reply.request) {
      case GpuRequest.GetProtocolFeatures:
        this.#hasEdid = (reply.featuresLow & EDID_BIT) !== 0;
        this.#due.push((words) => writeSetGpuProtocolFeatures(words, reply.featuresLow & EDID_BIT));
        this.#due.push(writeGetGpuDisplayInfo);
        return undefined;
      case GpuRequest.GetDisplayInfo:
        this.#outputs = outputsOf(reply.displayInfo);
        if (this.#hasEdid) this.#askForEdids();
        break;
      case GpuRequest.GetEdid:
        this.#takeEdid(reply.edid);
        break;
    }
    if (this.#edidIds.length === 0) this.#onOutputs(this.#outputs);
    return undefined;
  }

  #askForEdids(): void {
    for (const [scanoutId, { isEnabled }] of this.#outputs.entries()) {
      if (!isEnabled) continue;
      this.#edidIds.push(scanoutId);
      this.#due.push((words) => writeGetGpuEdid(words, scanoutId));
    }
  }

  #takeEdid(edid: Uint8Array): void {
    const scanoutId = this.#edidIds.shift()!;
    this.#outputs[scanoutId] = { ...this.#outputs[scanoutId]!, edid };
  }
}

function outputsOf({ pmodes }: RespDisplayInfo): GpuOutput[] {
  return pmodes.map(({ rect: { x, y, width, height }, enabled }) => {
    return { isEnabled: enabled !== 0, widthPixels: width, heightPixels: height, x, y, edid: undefined };
  });
}
