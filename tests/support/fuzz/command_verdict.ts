import { CtrlFlag, GpuFeature, ResponseType } from "../../../src/protocol/wire.gen.ts";
import { type FeatureSet, hasFeature } from "../../../src/virtio/virtio_device.ts";
import type { RequestFields } from "./request_fields.ts";

/** What a device deserves to be asked, and to answer, for one command. */
export interface CommandVerdict {
  /** The reply to a command that is carried out. */
  readonly success: number;
  /** The replies to choose from when it must be refused; none when it must be carried out. */
  readonly refusals: readonly number[];
  /** Whether it may be carried out all the same, or refused all the same: what decides it is not in the model. */
  readonly isOpen?: boolean;
  /** What the renderer is asked, and what the answer is then; nothing when it is not asked. */
  readonly call?: string;
  /** What the renderer is told besides, when it is carried out. */
  readonly also?: readonly string[];
  /** What changes when it is carried out. */
  readonly apply?: () => void;
  /** What changes when nobody knows whether it was. */
  readonly doubt?: () => void;
}

/** What the fuzzer's devices allow their guests. */
export interface ModelLimits {
  readonly resources: number;
  readonly contexts: number;
  readonly submitBytes: number;
  readonly windowBytes: number;
}

/** The verdict on a command that must be refused with one of these replies. */
export function refuse(...refusals: number[]): CommandVerdict {
  return { success: ResponseType.OkNodata, refusals };
}

/** Whether a command names a ring, and rings mean something. */
export function hasRing(request: RequestFields, features: FeatureSet): boolean {
  const isAsked = (request.u32("flags") & CtrlFlag.InfoRingIdx) !== 0;
  return isAsked && hasFeature(features, GpuFeature.ContextInit);
}
