import { type Command, commands, responses } from "../../../build/tables/wire.ts";
import { groups } from "../../../build/tables/wire_values.ts";
import { CommandType, CtrlFlag, ResponseType } from "../../../src/protocol/wire.gen.ts";
import { type FeatureSet, featureSet, hasFeature } from "../../../src/virtio/virtio_device.ts";
import { CAPSETS } from "../renderer/capsets.ts";
import { type CommandVerdict, hasRing, type ModelLimits, refuse } from "./command_verdict.ts";
import { NO_FENCE_TIMELINE, ringTimeline } from "./fence_order.ts";
import type { LoggedCall } from "./logged_renderer.ts";
import { ModelRules } from "./model_rules.ts";
import { ModelState } from "./model_state.ts";
import { RequestFields } from "./request_fields.ts";

const ROWS = new Map(commands.map((row) => [row.type, row]));
const REPLIES = new Map(responses.map((row) => [row.name, row]));
const FEATURES = new Map(
  groups.find(({ name }) => name === "GpuFeature")!.members.map((member) => [member.name, member.value]),
);
const HEADER_BYTES = 24;
const { ErrUnspec: UNSPEC, ErrInvalidParameter: PARAMETER } = ResponseType;

/**
 * The books that a device has to keep of contexts, resources, capability sets and the window, in the plainest terms, and of
 * what it asks its renderer. Everything about commands of the contract's tables 2.5 and 2.5b that is sure; where the guest's
 * memory or its host memory decide, any answer goes, and the books follow it.
 */
export class DeviceModel {
  readonly #limits: ModelLimits;
  #state = new ModelState();
  #features: FeatureSet = featureSet();
  #rules: ModelRules;
  #isTrusted = false;

  /** A device with these limits that has not been started. */
  constructor(limits: ModelLimits) {
    this.#limits = limits;
    this.#rules = new ModelRules(limits, this.#features, this.#state);
  }

  /** What exists now. */
  get state(): ModelState {
    return this.#state;
  }

  /** Whether the books are right: not after anything that nobody can say. */
  get isTrusted(): boolean {
    return this.#isTrusted;
  }

  /** The device starts, with nothing. */
  start(features: FeatureSet): void {
    this.#state = new ModelState();
    this.#features = features;
    this.#rules = new ModelRules(this.#limits, features, this.#state);
    this.#isTrusted = true;
  }

  /** The guest has done what nobody can follow: nothing is known until the next start. */
  giveUp(): void {
    this.#isTrusted = false;
  }

  /**
   * Follows one command of the control queue, with its reply or undefined when there was no room for it or it is still to
   * come, and takes what the renderer was asked for it out of `calls`. Throws where the device has done something else.
   */
  follow(bytes: Uint8Array, writableBytes: number, reply: Uint8Array | undefined, calls: LoggedCall[]): void {
    if (!this.#isTrusted) return;
    this.#takeLost(calls);
    const request = new RequestFields(bytes);
    const verdict = this.#framing(request, writableBytes) ?? this.#rules.judge(request);
    if (verdict === undefined) return;
    const type = reply && new DataView(reply.buffer, reply.byteOffset).getUint32(0, true);
    const text = () => `command 0x${request.type.toString(16)}, ${[...bytes]}`;
    const outcome = this.#settle(verdict, type, calls);
    if (outcome !== undefined) throw new Error(`The device ${outcome}: ${text()}`);
    if (reply !== undefined) this.#checkData(request, reply);
  }

  /** The timeline on which a command comes back, as long as the books are right; to be asked before `follow`. */
  timelineOf(bytes: Uint8Array): string {
    const request = new RequestFields(bytes);
    if ((request.u32("flags") & CtrlFlag.Fence) === 0) return NO_FENCE_TIMELINE;
    const [contextId, ringIndex] = [request.u32("ctx_id"), request.u8("ring_idx")];
    const isOnRing = hasRing(request, this.#features) && ringIndex <= 63 && this.#state.contexts.has(contextId);
    return isOnRing && request.type !== CommandType.CtxDestroy ? ringTimeline(contextId, ringIndex) : "shared";
  }

  /** Nothing was asked of the renderer that no command has asked for. */
  checkRest(calls: LoggedCall[]): void {
    if (!this.#isTrusted) return;
    this.#takeLost(calls);
    const [call] = calls;
    if (call !== undefined) throw new Error(`The device asks ${call.name}(${call.given}), and nobody asked it`);
  }

  /** Compares a verdict with what was; returns what is wrong. */
  #settle(verdict: CommandVerdict, type: number | undefined, calls: LoggedCall[]): string | undefined {
    const { success, refusals, isOpen = false, call, also = [], apply, doubt } = verdict;
    const mayPass = refusals.length === 0 || isOpen;
    const mayRefuse = refusals.length > 0 || isOpen;
    // A call that has succeeded is of a later command with the same arguments, where this one was refused before it.
    const isEarlier = isOpen && type !== undefined && refusals.includes(type) && calls[0]?.outcome === 0;
    const asked = call !== undefined && mayPass && !isEarlier ? takeCall(calls, call) : undefined;
    if (asked !== undefined && asked.outcome !== 0) return isEither(type, [asked.outcome]);
    const isDone = asked !== undefined || (call === undefined && mayPass && (type ?? success) === success);
    if (call !== undefined && asked === undefined && !mayRefuse) {
      return `does not ask ${call}, but ${calls[0]?.name}(${calls[0]?.given})`;
    }
    if (!isDone) return isEither(type, refusals);
    const isDoubted = asked === undefined && type === undefined && mayRefuse;
    if (isDoubted) doubt?.();
    else apply?.();
    const isMissing = also.map((told) => takeCall(calls, told)).some((told) => told === undefined && !isDoubted);
    return isMissing ? `does not tell ${also}` : isEither(type, [success]);
  }

  /** What is wrong with the request before anybody looks into it. Virtio 1.4, 5.7.6.7. */
  #framing(request: RequestFields, writableBytes: number): CommandVerdict | undefined {
    const row = ROWS.get(request.type);
    const isShort = request.bytes.length < (row?.request.sizeBytes ?? HEADER_BYTES);
    if (row === undefined || row.queue !== "CONTROL") return refuse(UNSPEC);
    if (!this.#isAvailable(row)) {
      const isBlob = /BLOB/.test(row.name) && !/MAP/.test(row.name);
      return refuse(isBlob && !isHeaderShort(request) ? PARAMETER : UNSPEC);
    }
    if (isShort) return refuse(UNSPEC);
    const isOfContexts = request.type >>> 8 === 2;
    const flags = request.u32("flags");
    const isRingAsked = (flags & CtrlFlag.Fence) !== 0 && hasRing(request, this.#features) &&
      request.u8("ring_idx") > 63;
    const replyBytes = REPLIES.get(`OK_${row.reply}`)!.struct.sizeBytes;
    const isCutOff = writableBytes >= HEADER_BYTES && writableBytes < replyBytes;
    const faults = [isRingAsked && isOfContexts && PARAMETER, isCutOff && UNSPEC].filter((fault) => fault !== false);
    if (faults.length > 0) return refuse(...faults);
    if (row.name !== "GET_CAPSET" || writableBytes < HEADER_BYTES) return undefined;
    const capset = CAPSETS.find(({ id }) => id === request.u32("capset_id"));
    const isDataCutOff = capset !== undefined && writableBytes < HEADER_BYTES + capset.sizeBytes;
    return isDataCutOff ? refuse(UNSPEC, ...this.#rules.judge(request)!.refusals) : undefined;
  }

  #isAvailable({ feature }: Command): boolean {
    return feature === undefined || hasFeature(this.#features, FEATURES.get(feature)!);
  }

  /** What a reply about capability sets and maps says. */
  #checkData(request: RequestFields, reply: Uint8Array): void {
    const words = new Uint32Array(reply.slice().buffer, 0, reply.length >>> 2);
    if (words[0] === ResponseType.OkCapsetInfo) {
      const { id, maxVersion, sizeBytes } = CAPSETS[request.u32("capset_index")]!;
      expectWords(words, [id, maxVersion, sizeBytes, 0]);
    }
    if (words[0] === ResponseType.OkCapset) {
      const version = request.u32("capset_version");
      expectWords(words, Array.from({ length: words.length - HEADER_BYTES / 4 }, (_, index) => index * 3 + version));
    }
    if (words[0] === ResponseType.OkMapInfo) expectWords(words, [1, 0]);
  }

  /** Takes the contexts that the renderer has given up out of `calls`, as far as they come before a call. */
  #takeLost(calls: LoggedCall[]): void {
    while (calls[0]?.name === "contextLost") this.#state.contexts.get(Number(calls.shift()!.given))!.isLost = true;
  }
}

function isHeaderShort(request: RequestFields): boolean {
  return request.bytes.length < HEADER_BYTES;
}

/** The first of `calls`, taken out, if it is this one. */
function takeCall(calls: LoggedCall[], call: string): LoggedCall | undefined {
  const [first] = calls;
  return first !== undefined && `${first.name}(${first.given})` === call ? calls.shift() : undefined;
}

function isEither(type: number | undefined, wanted: readonly number[]): string | undefined {
  if (type === undefined || wanted.includes(type)) return undefined;
  const names = wanted.map((reply) => `0x${reply.toString(16)}`).join(" or ");
  return `answers 0x${type.toString(16)} instead of ${names}`;
}

function expectWords(words: Uint32Array, expected: readonly number[]): void {
  const got = [...words.subarray(HEADER_BYTES / 4)];
  if (got.join() !== expected.join()) throw new Error(`The device tells ${got} instead of ${expected}`);
}
