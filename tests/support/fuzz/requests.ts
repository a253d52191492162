import { type Command, commands, ctrlHdr, memEntry, responses } from "../../../build/tables/wire.ts";
import type { PlacedField, Struct } from "../../../build/tables/struct.ts";
import { groups } from "../../../build/tables/wire_values.ts";
import { BlobMem, CtrlFlag } from "../../../src/protocol/wire.gen.ts";
import type { MemoryEntry } from "../../../src/guest/gpu_driver.ts";
import { type FeatureSet, hasFeature } from "../../../src/virtio/virtio_device.ts";
import { CAPSETS, FIRST_CAPSET_ID, SECOND_CAPSET_ID } from "../renderer/capsets.ts";
import { Target } from "../renderer/resources.ts";
import { GuestBelief } from "./guest_belief.ts";
import { WINDOW_BYTES } from "./guest_layout.ts";
import { hostileU32 } from "./hostile_numbers.ts";
import { planProgram, planTexture } from "./planned_program.ts";
import type { Random } from "./random.ts";
import { StreamGenerator } from "./stream_generator.ts";

/** A request as a guest may send it: mostly whole and sensible, sometimes neither. */
export interface Request {
  /** Its bytes; valid until the next request is made. */
  readonly bytes: Uint8Array;
  /** The queue that it is sent over. */
  readonly queue: number;
  /** Bytes that the guest leaves for the reply. */
  readonly replyBytes: number;
}

/** How many ids the requests mostly draw from: more than the fuzzer's limit of resources. */
const RESOURCE_IDS = 32;
/** How many of the ids made last the other commands mostly name, so that they meet a resource. */
const RECENT_IDS = 6;

const MAX_REQUEST_BYTES = 32 * 1024;
const QUEUES = { CONTROL: 0, CURSOR: 1 };
const SIZES = [64, 64, 64, 64, 64, 1, 2, 16, 17, 33];
/** Fields that hold a member of a group of the table. */
const GROUPS: Readonly<Record<string, string>> = {
  format: "Format",
  blob_mem: "BlobMem",
  blob_flags: "BlobFlag",
};
/** Values of fields that mean something, of which one is drawn; what is drawn more often stands there more often. */
const VALUES: Readonly<Record<string, readonly number[]>> = {
  width: SIZES,
  height: SIZES,
  w: SIZES,
  h: SIZES,
  d: [1, 1, 1, 2, 0],
  z: [0, 0, 0, 1],
  level: [0, 0, 0, 1, 2],
  stride: [0, 0, 256, 260],
  layer_stride: [0, 0, 0, 16384],
  strides: [256, 256, 260, 512],
  target: [Target.Buffer, Target.Texture2d, Target.Texture2d, Target.Texture2dArray, 3],
  depth: [1, 1, 1, 1, 2, 0],
  array_size: [1, 1, 1, 2, 3, 0],
  last_level: [0, 0, 0, 1, 2],
  nr_samples: [0, 0, 0, 1, 2],
  nlen: [0, 0, 0, 5, 5, 64, 64, 65],
  capset_id: [FIRST_CAPSET_ID, FIRST_CAPSET_ID, SECOND_CAPSET_ID, SECOND_CAPSET_ID, 1, 0],
  context_init: [0, 0, 0, FIRST_CAPSET_ID, SECOND_CAPSET_ID, FIRST_CAPSET_ID | 0x100, 22],
  capset_version: [0, 1, 1, 2, 3],
  capset_index: [0, 1, 2],
  ctx_id: [1, 1, 2, 2, 3, 3, 4, 5, 0],
  ring_idx: [0, 0, 1, 2, 63, 64],
};
const MEMBERS = new Map(groups.map((group) => [group.name, group.members.map((member) => member.value)]));
const FEATURE_BITS = new Map(
  groups.find(({ name }) => name === "GpuFeature")!.members.map((member) => [member.name, member.value]),
);
/** Blob ids of planned programs are other than those of streams that are drawn. */
const FIRST_PLANNED_BLOB = 0x10000;
const FLAGS_AT = offsetOf(ctrlHdr, "flags");
const CTX_ID_AT = offsetOf(ctrlHdr, "ctx_id");
const CREATE_BLOB = commands.find(({ name }) => name === "RESOURCE_CREATE_BLOB")!.request;
const BLOB_MEM_AT = offsetOf(CREATE_BLOB, "blob_mem");
const WINDOW_PAGES = WINDOW_BYTES / 4096;
const LARGEST_CAPSET_BYTES = Math.max(...CAPSETS.map(({ sizeBytes }) => sizeBytes));
const REPLY_BYTES = new Map(responses.map((row) => [row.name, row.struct.sizeBytes]));

/** Makes requests from the rows of the wire table, so that a new command is thrown at the device without a change here. */
export class RequestGenerator {
  /** Every id that a request may have given a resource. */
  readonly resourceIds: Set<number> = new Set();
  /** Every id that a request may have given a context. */
  readonly contextIds: Set<number> = new Set();
  readonly #random: Random;
  readonly #pages: () => { address: number; mostBytes: number };
  readonly #features: FeatureSet;
  readonly #rows: readonly Command[];
  readonly #buffer = new Uint8Array(MAX_REQUEST_BYTES);
  readonly #view = new DataView(this.#buffer.buffer);
  readonly #recentIds: number[] = [1];
  readonly #belief: GuestBelief;
  readonly #streams: StreamGenerator;
  #isCreating = false;
  /** What is left of a program that the guest runs. */
  #plan: Uint8Array[] = [];
  #plans = 0;

  /**
   * Draws from `random` for a driver that negotiated `features`; `pages` draws where in RAM the pages of a resource may
   * begin, and how many bytes they may have.
   */
  constructor(random: Random, features: FeatureSet, pages: () => { address: number; mostBytes: number }) {
    this.#random = random;
    this.#pages = pages;
    this.#features = features;
    this.#belief = new GuestBelief(random);
    this.#streams = new StreamGenerator(random, this.#belief);
    this.#rows = commands.flatMap((row) => new Array<Command>(this.#isAvailable(row) ? weightOf(row) : 1).fill(row));
  }

  /** The next request. */
  next(): Request {
    const random = this.#random;
    if (this.#plan.length === 0 && random.oneIn(40)) this.#planProgram();
    if (this.#plan.length > 0 && random.oneIn(2)) return { bytes: this.#plan.shift()!, queue: 0, replyBytes: 64 };
    const row = random.pick(this.#rows);
    this.#isCreating = row.name.includes("CREATE") && this.#isAvailable(row);
    const type = random.oneIn(50) ? hostileU32(random) : row.type;
    const queue = QUEUES[row.queue] ^ (random.oneIn(50) ? 1 : 0);
    const bytes = this.#buffer.subarray(0, this.#write(row, type));
    if (type !== row.type) this.#noteIds(); // another command, by accident
    return { bytes, queue, replyBytes: this.#replyBytes(row) };
  }

  /** Notes what the request makes if it is one that makes something. */
  #noteIds(): void {
    this.resourceIds.add(this.#view.getUint32(ctrlHdr.sizeBytes, true));
    this.contextIds.add(this.#view.getUint32(CTX_ID_AT, true));
  }

  /** Begins with a program that a good guest might run as well. */
  #planProgram(): void {
    const random = this.#random;
    const contextId = random.between(1, 4);
    const resourceId = random.between(1, RESOURCE_IDS);
    this.contextIds.add(contextId);
    this.resourceIds.add(resourceId);
    this.#belief.addContext(contextId);
    this.#belief.addHostBlob(resourceId);
    if (random.oneIn(3)) {
      this.#plan = planTexture(random, resourceId, [this.#entry(), this.#entry()]);
      return;
    }
    const offset = 4096 * random.below(WINDOW_PAGES);
    this.#plan = planProgram(random, { contextId, resourceId, offset, blobId: FIRST_PLANNED_BLOB + this.#plans++ });
  }

  #entry(): MemoryEntry {
    const { address, mostBytes } = this.#pages();
    return { addr: address, length: this.#random.between(1, mostBytes) };
  }

  #isAvailable({ feature }: Command): boolean {
    return feature === undefined || hasFeature(this.#features, FEATURE_BITS.get(feature)!);
  }

  /** Writes a request and returns how many of its bytes the guest sends. */
  #write(row: Command, type: number): number {
    const random = this.#random;
    this.#writeStruct(row.request, 0);
    this.#writeHeader(type);
    if (!random.oneIn(4)) this.#writeBelief(row);
    let length = row.request.sizeBytes;
    if (row.request.trailing === "entries") length += this.#writeEntries(row.request);
    else if (row.request.trailing !== undefined) length += this.#writeStream(row.request);
    if (random.oneIn(16)) return random.below(length + 1);
    return random.oneIn(16) ? length + random.below(200) : length;
  }

  #writeHeader(type: number): void {
    const random = this.#random;
    this.#view.setUint32(0, type, true);
    this.#view.setUint32(4, random.oneIn(8) ? hostileU32(random) : random.pick([0, 0, 1, 3]), true);
    this.#view.setUint32(12, random.oneIn(4) ? hostileU32(random) : 0, true);
  }

  #writeStruct(struct: Struct, at: number): void {
    for (const field of struct.fields) {
      const stepBytes = field.sizeBytes / field.count;
      for (let index = 0; index < field.count; index++) this.#writeField(field, at + field.offset + index * stepBytes);
    }
  }

  #writeField(field: PlacedField, at: number): void {
    const random = this.#random;
    switch (field.kind) {
      case "struct":
        return this.#writeStruct(field.struct!, at);
      case "u8":
        return this.#view.setUint8(at, VALUES[field.name] === undefined ? random.u32() : this.#word(field.name));
      case "u16":
        return this.#view.setUint16(at, hostileU32(random), true);
      case "u32":
      case "i32":
        return this.#writeWord(field.name, at);
      case "u64":
      case "id64":
        this.#view.setUint32(at, this.#word(field.name), true);
        this.#view.setUint32(at + 4, random.oneIn(16) ? hostileU32(random) : 0, true);
    }
  }

  #writeWord(name: string, at: number): void {
    const value = this.#word(name);
    this.#view.setUint32(at, value, true);
    if (name === "ctx_id" && this.#isCreating) this.contextIds.add(value);
    if (name !== "resource_id") return;
    this.resourceIds.add(value);
    if (!this.#isCreating) return;
    this.#recentIds.push(value);
    if (this.#recentIds.length > RECENT_IDS) this.#recentIds.shift();
  }

  /** A value for the field `name`: mostly one that means something there. */
  #word(name: string): number {
    const random = this.#random;
    if (random.oneIn(24)) return hostileU32(random);
    const members = MEMBERS.get(GROUPS[name] ?? "");
    if (members !== undefined) return random.pick(members);
    const values = VALUES[name];
    if (values !== undefined) return random.pick(values);
    switch (name) {
      case "resource_id":
        if (!this.#isCreating && !random.oneIn(4)) return random.pick(this.#recentIds);
        return random.between(1, RESOURCE_IDS);
      case "scanout_id":
      case "scanout":
        return random.oneIn(10) ? 2 : random.below(2);
      case "x":
      case "y":
        return random.oneIn(2) ? 0 : random.below(40);
      case "offset":
      case "offsets":
        return random.oneIn(2) ? 0 : 4 * random.below(512);
      case "size":
        return random.oneIn(2) ? 16384 : 4 * random.below(8192);
      default:
        return hostileU32(random);
    }
  }

  /** Writes what the guest believes to exist over what was drawn without a thought; and remembers what is to exist. */
  #writeBelief({ name, request }: Command): void {
    const random = this.#random;
    const set = (field: string, value: number) => this.#view.setUint32(offsetOf(request, field), value, true);
    const get = (field: string) => this.#view.getUint32(offsetOf(request, field), true);
    const contextId = this.#belief.context();
    if (contextId !== undefined && !/CREATE_3D|CTX_CREATE|CTX_DESTROY/.test(name)) {
      this.#view.setUint32(CTX_ID_AT, contextId, true);
    }
    switch (name) {
      case "CTX_CREATE":
        return this.#belief.addContext(this.#view.getUint32(CTX_ID_AT, true));
      case "CTX_DESTROY":
        return this.#belief.removeContext(this.#view.getUint32(CTX_ID_AT, true));
      case "RESOURCE_CREATE_BLOB":
        return this.#writeObject(request);
      case "RESOURCE_CREATE_3D":
        return this.#writeTexture(request);
      case "RESOURCE_ATTACH_BACKING":
        return set("resource_id", this.#belief.image()?.resourceId ?? get("resource_id"));
      case "TRANSFER_TO_HOST_3D":
      case "TRANSFER_FROM_HOST_3D":
        return this.#writeBox(request);
      case "CTX_ATTACH_RESOURCE":
        return this.#belief.addAttachment(this.#view.getUint32(CTX_ID_AT, true), get("resource_id"));
      case "RESOURCE_UNMAP_BLOB":
        return set("resource_id", this.#belief.hostBlob() ?? get("resource_id"));
      case "RESOURCE_MAP_BLOB":
        set("resource_id", this.#belief.hostBlob() ?? get("resource_id"));
        return this.#view.setBigUint64(offsetOf(request, "offset"), BigInt(random.below(WINDOW_PAGES) * 4096), true);
    }
  }

  /** Makes a blob of an object. */
  #writeObject(request: Struct): void {
    const random = this.#random;
    const object = this.#belief.takeObject();
    if (object === undefined) return;
    const hasPages = random.oneIn(3);
    const resourceId = this.#view.getUint32(offsetOf(request, "resource_id"), true);
    this.#view.setUint32(CTX_ID_AT, object.contextId, true);
    this.#view.setUint32(offsetOf(request, "blob_mem"), hasPages ? BlobMem.Host3dGuest : BlobMem.Host3d, true);
    this.#view.setUint32(offsetOf(request, "blob_flags"), random.below(8), true);
    this.#view.setBigUint64(offsetOf(request, "blob_id"), BigInt(object.blobId), true);
    const sizeBytes = random.oneIn(4) ? 4096 : object.sizeBytes;
    this.#view.setBigUint64(offsetOf(request, "size"), BigInt(sizeBytes), true);
    if (hasPages) this.#belief.addImage({ resourceId, width: 16, height: 1 });
    else this.#belief.addHostBlob(resourceId);
  }

  /** Makes a texture, or a buffer, such as there are. */
  #writeTexture(request: Struct): void {
    const random = this.#random;
    const set = (field: string, value: number) => this.#view.setUint32(offsetOf(request, field), value, true);
    const target = random.pick([Target.Buffer, Target.Texture2d, Target.Texture2d, Target.Texture2dArray]);
    const [width, height] = [random.pick(SIZES), target === Target.Buffer ? 1 : random.pick(SIZES)];
    set("target", target);
    set("width", width);
    set("height", height);
    set("depth", 1);
    set("array_size", target === Target.Texture2dArray ? random.between(1, 3) : 1);
    set("last_level", target === Target.Buffer ? 0 : random.pick([0, 0, 1, 2]));
    set("nr_samples", random.below(2));
    const resourceId = this.#view.getUint32(offsetOf(request, "resource_id"), true);
    this.#belief.addImage({ resourceId, width, height });
  }

  /** Copies a part of an image. */
  #writeBox(request: Struct): void {
    const random = this.#random;
    const image = this.#belief.image();
    if (image === undefined) return;
    this.#view.setUint32(offsetOf(request, "resource_id"), image.resourceId, true);
    if (random.oneIn(2)) this.#view.setUint32(CTX_ID_AT, 0, true);
    const [x, y] = random.oneIn(2) ? [0, 0] : [random.below(image.width), random.below(image.height)];
    const [w, h] = [random.between(1, image.width - x), random.between(1, image.height - y)];
    const at = offsetOf(request, "box");
    [x, y, 0, w, h, 1].forEach((value, index) => this.#view.setUint32(at + index * 4, value, true));
    this.#view.setBigUint64(offsetOf(request, "offset"), BigInt(random.oneIn(2) ? 0 : random.below(2048)), true);
  }

  /** Writes a command stream behind `struct` and its size into it; returns its bytes. */
  #writeStream(struct: Struct): number {
    const random = this.#random;
    const words = this.#streams.next(this.#view.getUint32(CTX_ID_AT, true));
    words.forEach((word, index) => this.#view.setUint32(struct.sizeBytes + index * 4, word, true));
    const field = struct.fields.find(({ name }) => name === "size")!;
    const sizeBytes = words.length * 4;
    const dishonest = [sizeBytes + 4, sizeBytes + 8, sizeBytes + 1, hostileU32(random)];
    this.#view.setUint32(field.offset, random.oneIn(12) ? random.pick(dishonest) : sizeBytes, true);
    this.#view.setUint32(FLAGS_AT, random.pick([0, CtrlFlag.Fence, CtrlFlag.Fence | CtrlFlag.InfoRingIdx]), true);
    return sizeBytes;
  }

  /** Writes entries behind `struct` and their number into it; returns their bytes. */
  #writeEntries(struct: Struct): number {
    const random = this.#random;
    const isHostBlob = struct === CREATE_BLOB && this.#view.getUint32(BLOB_MEM_AT, true) === BlobMem.Host3d;
    const isNone = isHostBlob || random.oneIn(8);
    const count = isNone && !random.oneIn(16) ? 0 : random.oneIn(40) ? random.between(1, 600) : random.between(1, 8);
    for (let index = 0; index < count; index++) this.#writeEntry(struct.sizeBytes + index * memEntry.sizeBytes);
    const isHonest = !random.oneIn(16);
    const field = struct.fields.find(({ name }) => name === "nr_entries")!;
    this.#view.setUint32(field.offset, isHonest ? count : hostileU32(random), true);
    return count * memEntry.sizeBytes;
  }

  #writeEntry(at: number): void {
    const random = this.#random;
    const { address, mostBytes } = this.#pages();
    const [addr, length] = memEntry.fields;
    this.#view.setUint32(at + addr!.offset, random.oneIn(200) ? hostileU32(random) : address, true);
    this.#view.setUint32(at + addr!.offset + 4, random.oneIn(200) ? hostileU32(random) : address / 2 ** 32, true);
    this.#view.setUint32(
      at + length!.offset,
      random.oneIn(200) ? hostileU32(random) : random.between(1, mostBytes),
      true,
    );
  }

  #replyBytes(row: Command): number {
    const random = this.#random;
    const enough = REPLY_BYTES.get(`OK_${row.reply}`)! + (row.reply === "CAPSET" ? LARGEST_CAPSET_BYTES : 0);
    if (!random.oneIn(8)) return enough;
    return random.pick([0, random.between(1, 23), 24, random.between(25, 1200)]);
  }
}

/** How often a command is drawn: what ends something less often than what makes it, and what needs something before, more. */
function weightOf({ name }: Command): number {
  if (/DETACH|DESTROY/.test(name)) return 1;
  if (/UNREF/.test(name)) return 3;
  return /SUBMIT|CREATE_BLOB|MAP_BLOB/.test(name) ? 6 : 4;
}

function offsetOf(struct: Struct, field: string): number {
  return struct.fields.find(({ name }) => name === field)!.offset;
}
