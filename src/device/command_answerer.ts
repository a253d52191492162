import { type Reason, Reasons } from "../protocol/reasons.ts";
import { CommandReader, CommandType, CTRL_HDR_SIZE, type CtrlHdr, readCtrlHdr } from "../protocol/wire.gen.ts";
import type { SplitQueue } from "../virtio/split_queue.ts";
import { type FeatureSet, featureSet, hasFeature } from "../virtio/virtio_device.ts";
import { commandRules } from "./command_rules.ts";
import { dispatch } from "./dispatch.ts";
import type { GpuState } from "./gpu_state.ts";

/** What a device has done since it was made. */
export interface Counters {
  /** Commands that were answered, refused ones included. */
  commands: number;
  /** Commands that were refused. */
  errors: number;
  /** Bytes that commands moved. */
  bytes: number;
}

/** Answers commands: checks the frame of each, has it carried out, and writes the reply. Virtio 1.4, 5.7.6.7. */
export class CommandAnswerer {
  /** Counts what was answered. */
  readonly counters: Counters = { commands: 0, errors: 0, bytes: 0 };
  /** The features that the driver accepted. */
  features: FeatureSet = featureSet();
  readonly #state: GpuState;
  readonly #reader = new CommandReader();
  readonly #header: CtrlHdr = { type: 0, flags: 0, fenceIdLow: 0, fenceIdHigh: 0, ctxId: 0, ringIdx: 0 };

  /** Answers commands that read and change `state`. */
  constructor(state: GpuState) {
    this.#state = state;
  }

  /** Carries out the command in the ring's chain and hands the chain back with the reply. */
  answer(ring: SplitQueue, queue: number): void {
    const { reply } = this.#state;
    const header = readCtrlHdr(this.#state.guest.words, ring.chain.command >>> 2, this.#header);
    const writableBytes = ring.chain.writableBytes;
    reply.begin();
    const reason = this.#refusal(ring, queue, writableBytes) ?? this.#execute(ring);
    this.counters.commands++;
    if (reason !== undefined) {
      this.counters.errors++;
      if (this.#state.errors.isHeard) this.#state.errors.report(header.type, reason, true);
      reply.fail(reason.response);
    }
    const hasRoom = writableBytes >= CTRL_HDR_SIZE;
    if (hasRoom) reply.writeHeader(header);
    ring.complete(reply.address, hasRoom ? reply.sizeBytes : 0);
  }

  /** Why the command must not even begin, or undefined. */
  #refusal(ring: SplitQueue, queue: number, writableBytes: number): Reason | undefined {
    const readableBytes = ring.chain.readableBytes;
    if (readableBytes < CTRL_HDR_SIZE) return Reasons.headerTooShort;
    const { type } = this.#header;
    const rules = commandRules(type);
    if (rules === undefined) return Reasons.commandUnknown;
    const { size, feature, replySize } = rules;
    if (rules.queue !== queue) return Reasons.wrongQueue;
    if (feature !== undefined && !hasFeature(this.features, feature)) return refusalWithoutFeature(type);
    if (readableBytes < size) return Reasons.commandTooShort;
    const isCutOff = replySize > writableBytes && writableBytes >= CTRL_HDR_SIZE && replySize > CTRL_HDR_SIZE;
    return isCutOff ? Reasons.responseTooLong : undefined;
  }

  #execute(ring: SplitQueue): Reason | undefined {
    const command = this.#reader.read(this.#state.guest.words, ring.chain.command >>> 2);
    if (command === undefined) return Reasons.commandUnknown;
    return dispatch(this.#state, command, ring.chain);
  }
}

function refusalWithoutFeature(type: number): Reason {
  const isBlobCommand = type === CommandType.ResourceCreateBlob || type === CommandType.SetScanoutBlob;
  return isBlobCommand ? Reasons.blobFeatureMissing : Reasons.featureMissing;
}
