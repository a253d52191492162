import { commands } from "../../../build/tables/wire.ts";
import { BlobMem, CtrlFlag, GpuFeature, ResponseType } from "../../../src/protocol/wire.gen.ts";
import { type FeatureSet, hasFeature } from "../../../src/virtio/virtio_device.ts";
import { CAPSETS } from "../renderer/capsets.ts";
import { type CommandVerdict, hasRing, type ModelLimits, refuse } from "./command_verdict.ts";
import type { ModelState } from "./model_state.ts";
import type { RequestFields } from "./request_fields.ts";

const ROWS = new Map(commands.map((row) => [row.type, row]));
const NODATA = ResponseType.OkNodata;
const { ErrUnspec: UNSPEC, ErrOutOfMemory: FULL, ErrInvalidParameter: PARAMETER } = ResponseType;
const { ErrInvalidResourceId: RESOURCE, ErrInvalidContextId: CONTEXT } = ResponseType;
/** What memory entries may be refused with. */
const ENTRY_REFUSALS: readonly number[] = [UNSPEC, FULL, PARAMETER];
const KNOWN_FLAGS = 7;
const PAGE_BYTES = 4096;
const NAME_BYTES = 64;

/** A rule of a command: what is wrong with it, ids first, then parameters, then state; a fault is a reply. */
type Rule = (request: RequestFields) => CommandVerdict;

/** What the contract's tables 2.5 and 2.5b say of commands that are whole, as far as it is sure. */
export class ModelRules {
  readonly #limits: ModelLimits;
  readonly #features: FeatureSet;
  readonly #state: ModelState;

  /** The rules for a driver that negotiated `features`, on a device that keeps `state`. */
  constructor(limits: ModelLimits, features: FeatureSet, state: ModelState) {
    this.#limits = limits;
    this.#features = features;
    this.#state = state;
  }

  /** What a request that is whole deserves; undefined for those about which the model knows nothing. */
  judge(request: RequestFields): CommandVerdict | undefined {
    return this.#rules[ROWS.get(request.type)!.name]?.(request);
  }

  readonly #rules: Readonly<Record<string, Rule>> = {
    RESOURCE_CREATE_2D: (request) => this.#create(request, "2d", { isOpen: true, refusals: [FULL, PARAMETER] }),
    RESOURCE_CREATE_3D: (request) => this.#create3d(request),
    RESOURCE_CREATE_BLOB: (request) => this.#createBlob(request),
    RESOURCE_UNREF: (request) => this.#unref(request),
    RESOURCE_ATTACH_BACKING: (request) => this.#attachBacking(request),
    RESOURCE_DETACH_BACKING: (request) => this.#detachBacking(request),
    GET_CAPSET_INFO: (request) => this.#capsetInfo(request),
    GET_CAPSET: (request) => this.#capset(request),
    CTX_CREATE: (request) => this.#createContext(request),
    CTX_DESTROY: (request) => this.#destroyContext(request),
    CTX_ATTACH_RESOURCE: (request) => this.#changeContext(request, "attachResource"),
    CTX_DETACH_RESOURCE: (request) => this.#changeContext(request, "detachResource"),
    SUBMIT_3D: (request) => this.#submit(request),
    TRANSFER_TO_HOST_3D: (request) => this.#transfer(request, "transferToHost"),
    TRANSFER_FROM_HOST_3D: (request) => this.#transfer(request, "transferFromHost"),
    RESOURCE_MAP_BLOB: (request) => this.#map(request),
    RESOURCE_UNMAP_BLOB: (request) => this.#unmap(request),
  };

  #create(request: RequestFields, kind: "2d" | "guest", verdict: Partial<CommandVerdict>): CommandVerdict {
    const id = request.u32("resource_id");
    const whole = { success: NODATA, refusals: [], ...verdict };
    return this.#withNewId(id, {
      ...whole,
      apply: whole.apply ?? (() => this.#state.add(id, { kind, sizeBytes: 0, hasPages: false })),
      doubt: () => this.#state.doubt(id),
    });
  }

  #create3d(request: RequestFields): CommandVerdict {
    const id = request.u32("resource_id");
    const names = ["target", "format", "bind", "width", "height", "depth", "array_size", "last_level", "nr_samples"];
    const numbers = names.map((name) => request.u32(name));
    return this.#withNewId(id, {
      success: NODATA,
      refusals: [],
      call: `createResource(${[id, ...numbers, request.u32("flags_of_command")]})`,
      apply: () => this.#state.add(id, { kind: "3d", sizeBytes: 0, hasPages: false }),
    });
  }

  #createBlob(request: RequestFields): CommandVerdict {
    const id = request.u32("resource_id");
    const mem = request.u32("blob_mem");
    const sizeBytes = request.u64("size");
    const entries = request.u32("nr_entries");
    const isHost = mem === BlobMem.Host3d || mem === BlobMem.Host3dGuest;
    if (isHost && hasFeature(this.#features, GpuFeature.Virgl)) return this.#createHostBlob(request);
    const alignment = hasFeature(this.#features, GpuFeature.BlobAlignment) ? 4 : 1;
    const isWrong = mem !== BlobMem.Guest || request.u32("blob_flags") > KNOWN_FLAGS || sizeBytes === 0 ||
      sizeBytes % alignment !== 0;
    if (isWrong) return this.#withNewId(id, refuse(PARAMETER));
    return this.#create(request, "guest", {
      isOpen: entries > 0,
      refusals: entries > 0 ? ENTRY_REFUSALS : [],
      apply: () => this.#state.add(id, { kind: "guest", sizeBytes, hasPages: entries > 0 }),
    });
  }

  #createHostBlob(request: RequestFields): CommandVerdict {
    const id = request.u32("resource_id");
    const contextId = request.u32("ctx_id");
    const context = this.#state.contexts.get(contextId);
    const sizeBytes = request.u64("size");
    const entries = request.u32("nr_entries");
    const isPlain = request.u32("blob_mem") === BlobMem.Host3d;
    const alignment = hasFeature(this.#features, GpuFeature.BlobAlignment) ? 4 : 1;
    if (context === undefined) return refuse(CONTEXT, ...(id === 0 || this.#state.resources.has(id) ? [RESOURCE] : []));
    const isWrong = request.u32("blob_flags") > KNOWN_FLAGS || sizeBytes === 0 || sizeBytes >= 2 ** 32 ||
      sizeBytes % alignment !== 0 || (isPlain && entries > 0);
    if (isWrong) return this.#withNewId(id, refuse(PARAMETER));
    const isOpen = entries > 0;
    const numbers = [contextId, request.u32("blob_id"), request.upperWord("blob_id"), id, sizeBytes];
    const kind = isPlain ? "host" : "default";
    return this.#withNewId(id, {
      success: NODATA,
      refusals: context.isLost ? [UNSPEC, ...(isOpen ? ENTRY_REFUSALS : [])] : isOpen ? ENTRY_REFUSALS : [],
      isOpen: isOpen && !context.isLost,
      call: `createBlob(${numbers})`,
      apply: () => this.#state.add(id, { kind, sizeBytes, hasPages: entries > 0 }),
    });
  }

  /** Whether a resource may be made under an id: it is not certain that there is one. */
  #mayBeNew(id: number): boolean {
    return id !== 0 && (!this.#state.resources.has(id) || this.#state.isDoubted(id));
  }

  /** A verdict about a resource that is to be made: its id comes first, then parameters, and then limits and the rest. */
  #withNewId(id: number, verdict: CommandVerdict): CommandVerdict {
    if (!this.#mayBeNew(id)) return refuse(RESOURCE);
    const isDoubted = this.#state.isDoubted(id);
    const refusals = isDoubted ? [RESOURCE, ...verdict.refusals] : verdict.refusals;
    if (verdict.refusals[0] === PARAMETER) return { ...verdict, refusals };
    if (this.#state.certainCount >= this.#limits.resources) return refuse(FULL, ...refusals);
    const isNearlyFull = this.#state.resources.size >= this.#limits.resources;
    return {
      ...verdict,
      refusals: isNearlyFull ? [FULL, ...refusals] : refusals,
      isOpen: verdict.isOpen || ((isDoubted || isNearlyFull) && verdict.refusals.length === 0),
    };
  }

  #unref(request: RequestFields): CommandVerdict {
    const id = request.u32("resource_id");
    const resource = this.#state.resources.get(id);
    if (resource === undefined) return refuse(RESOURCE);
    const users = [...this.#state.contexts].filter(([_, { attached }]) => attached.has(id));
    const also = users.map(([context]) => `detachResource(${context},${id})`);
    const isDoubted = this.#state.isDoubted(id);
    const isRenderers = resource.kind === "3d" || resource.kind === "host" || resource.kind === "default";
    this.#state.remove(id); // whatever the answer is
    if (isDoubted) return { success: NODATA, refusals: [RESOURCE], isOpen: true, also };
    return { success: NODATA, refusals: [], also, ...(isRenderers && { call: `destroyResource(${id})` }) };
  }

  #attachBacking(request: RequestFields): CommandVerdict {
    const id = request.u32("resource_id");
    const resource = this.#state.resources.get(id);
    if (resource === undefined) return refuse(RESOURCE);
    const entries = request.u32("nr_entries");
    const doubt = () => resource.hasPages = undefined;
    const apply = () => resource.hasPages = true;
    const open = { success: NODATA, isOpen: true, apply, doubt };
    if (this.#state.isDoubted(id)) return { ...open, refusals: [RESOURCE, ...ENTRY_REFUSALS] };
    if (resource.kind === "host" || resource.hasPages === true) return refuse(UNSPEC);
    if (entries > 0) return { ...open, refusals: ENTRY_REFUSALS };
    const isOpen = resource.hasPages === undefined;
    return { success: NODATA, refusals: isOpen ? [UNSPEC] : [], isOpen };
  }

  #detachBacking(request: RequestFields): CommandVerdict {
    const id = request.u32("resource_id");
    const resource = this.#state.resources.get(id);
    if (resource === undefined) return refuse(RESOURCE);
    const { kind, hasPages } = resource;
    resource.hasPages = false; // whatever the answer is
    if (this.#state.isDoubted(id)) return { success: NODATA, refusals: [RESOURCE, UNSPEC], isOpen: true };
    if (kind === "host" || hasPages === false) return refuse(UNSPEC);
    return { success: NODATA, refusals: hasPages ? [] : [UNSPEC], isOpen: hasPages === undefined };
  }

  #capsetInfo(request: RequestFields): CommandVerdict {
    const isKnown = request.u32("capset_index") < CAPSETS.length;
    return isKnown ? { success: ResponseType.OkCapsetInfo, refusals: [] } : refuse(PARAMETER);
  }

  #capset(request: RequestFields): CommandVerdict {
    const capset = CAPSETS.find(({ id }) => id === request.u32("capset_id"));
    const isKnown = capset !== undefined && request.u32("capset_version") <= capset.maxVersion;
    return isKnown ? { success: ResponseType.OkCapset, refusals: [] } : refuse(PARAMETER);
  }

  #createContext(request: RequestFields): CommandVerdict {
    const id = request.u32("ctx_id");
    const { contexts } = this.#state;
    if (id === 0 || contexts.has(id)) return refuse(CONTEXT);
    const length = request.u32("nlen");
    const asked = hasFeature(this.#features, GpuFeature.ContextInit) ? request.u32("context_init") & 0xff : 0;
    const capset = asked === 0 ? CAPSETS[0] : CAPSETS.find((set) => set.id === asked);
    if (length > NAME_BYTES || capset === undefined) return refuse(PARAMETER);
    if (contexts.size >= this.#limits.contexts) return refuse(FULL);
    const name = request.bytesAt("debug_name", length);
    const end = name.indexOf(0);
    const text = new TextDecoder().decode(end < 0 ? name : name.subarray(0, end));
    const apply = () => contexts.set(id, { isLost: false, attached: new Set() });
    return { success: NODATA, refusals: [], call: `createContext(${[id, capset.id, text]})`, apply };
  }

  #destroyContext(request: RequestFields): CommandVerdict {
    const id = request.u32("ctx_id");
    const { contexts } = this.#state;
    if (!contexts.has(id)) return refuse(CONTEXT);
    return { success: NODATA, refusals: [], call: `destroyContext(${id})`, apply: () => contexts.delete(id) };
  }

  #changeContext(request: RequestFields, call: string): CommandVerdict {
    const [contextId, id] = [request.u32("ctx_id"), request.u32("resource_id")];
    const faults = [
      ...(this.#state.contexts.has(contextId) ? [] : [CONTEXT]),
      ...(this.#state.resources.has(id) ? [] : [RESOURCE]),
    ];
    if (faults.length > 0) return refuse(...faults);
    const isOpen = this.#state.isDoubted(id);
    const { kind } = this.#state.resources.get(id)!;
    const apply = () => {
      const { attached } = this.#state.contexts.get(contextId)!;
      if (call === "detachResource") attached.delete(id);
      else if (kind === "2d" || kind === "guest") attached.add(id);
    };
    return { success: NODATA, refusals: isOpen ? [RESOURCE] : [], isOpen, call: `${call}(${[contextId, id]})`, apply };
  }

  #submit(request: RequestFields): CommandVerdict {
    const id = request.u32("ctx_id");
    const context = this.#state.contexts.get(id);
    if (context === undefined) return refuse(CONTEXT);
    const size = request.u32("size");
    const begin = ROWS.get(request.type)!.request.sizeBytes;
    const isWrong = size > request.bytes.length - begin || size % 4 !== 0 || size > this.#limits.submitBytes;
    if (isWrong) return refuse(PARAMETER);
    if (context.isLost) return refuse(UNSPEC);
    const ring = hasRing(request, this.#features) && request.u8("ring_idx") <= 63 ? request.u8("ring_idx") : -1;
    const stream = request.bytes.subarray(begin, begin + size).join();
    const isFenced = (request.u32("flags") & CtrlFlag.Fence) !== 0;
    return { success: NODATA, refusals: [], call: `submit(${[id, stream, ring, isFenced]})` };
  }

  #transfer(request: RequestFields, call: string): CommandVerdict {
    const [contextId, id] = [request.u32("ctx_id"), request.u32("resource_id")];
    const resource = this.#state.resources.get(id);
    const isContextWrong = contextId !== 0 && !this.#state.contexts.has(contextId);
    const faults = [...(isContextWrong ? [CONTEXT] : []), ...(resource === undefined ? [RESOURCE] : [])];
    if (resource === undefined || faults.length > 0) return refuse(...faults);
    if (this.#state.isDoubted(id)) return refuse(RESOURCE, UNSPEC);
    if (resource.kind === "2d" || resource.kind === "guest") return refuse(UNSPEC);
    if (resource.kind === "host") return { success: NODATA, refusals: [] };
    if (resource.hasPages === false) return refuse(UNSPEC);
    const box = ["x", "y", "z", "w", "h", "d"].map((name) => request.u32(`box.${name}`));
    const rest = [request.u64("offset"), request.u32("stride"), request.u32("layer_stride")];
    const numbers = [id, request.u32("level"), ...box, ...rest];
    // Its pages may be in no region now.
    return { success: NODATA, refusals: [UNSPEC], isOpen: true, call: `${call}(${numbers})` };
  }

  #map(request: RequestFields): CommandVerdict {
    const id = request.u32("resource_id");
    const resource = this.#state.resources.get(id);
    if (resource === undefined) return refuse(RESOURCE);
    if (this.#state.isDoubted(id)) return refuse(RESOURCE, UNSPEC);
    if (resource.kind !== "host") return refuse(UNSPEC);
    const offset = request.u64("offset");
    const bytes = Math.ceil(resource.sizeBytes / PAGE_BYTES) * PAGE_BYTES;
    const isOutside = offset + bytes > this.#limits.windowBytes || offset % PAGE_BYTES !== 0;
    const isTaken = this.#state.mappedRanges.some((range) => offset < range.end && offset + bytes > range.begin);
    if (isOutside) return refuse(PARAMETER);
    if (resource.mappedAt !== undefined) return refuse(UNSPEC, ...(isTaken ? [PARAMETER] : []));
    if (isTaken) return refuse(PARAMETER);
    const apply = () => resource.mappedAt = offset;
    return { success: ResponseType.OkMapInfo, refusals: [], call: `moveBlob(${[id, offset]})`, apply };
  }

  #unmap(request: RequestFields): CommandVerdict {
    const id = request.u32("resource_id");
    const resource = this.#state.resources.get(id);
    if (resource === undefined) return refuse(RESOURCE);
    if (this.#state.isDoubted(id)) return refuse(RESOURCE, UNSPEC);
    if (resource.mappedAt === undefined) return refuse(UNSPEC);
    const apply = () => resource.mappedAt = undefined;
    return { success: NODATA, refusals: [], call: `takeBlobBack(${id})`, apply };
  }
}
