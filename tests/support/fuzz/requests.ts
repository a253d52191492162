import { type Command, commands, memEntry, responses } from "../../../build/tables/wire.ts";
import type { PlacedField, Struct } from "../../../build/tables/struct.ts";
import { groups } from "../../../build/tables/wire_values.ts";
import { type FeatureSet, hasFeature } from "../../../src/virtio/virtio_device.ts";
import { hostileU32 } from "./hostile_numbers.ts";
import type { Random } from "./random.ts";

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
  capset_id: "CapsetId",
};
const MEMBERS = new Map(groups.map((group) => [group.name, group.members.map((member) => member.value)]));
const FEATURE_BITS = new Map(
  groups.find(({ name }) => name === "GpuFeature")!.members.map((member) => [member.name, member.value]),
);
const REPLY_BYTES = new Map(responses.map((row) => [row.name, row.struct.sizeBytes]));

/** Makes requests from the rows of the wire table, so that a new command is thrown at the device without a change here. */
export class RequestGenerator {
  /** Every id that a request may have given a resource. */
  readonly resourceIds: Set<number> = new Set();
  readonly #random: Random;
  readonly #ramAddress: () => number;
  readonly #features: FeatureSet;
  readonly #rows: readonly Command[];
  readonly #buffer = new Uint8Array(MAX_REQUEST_BYTES);
  readonly #view = new DataView(this.#buffer.buffer);
  readonly #recentIds: number[] = [1];
  #isCreating = false;

  /** Draws from `random` for a driver that negotiated `features`; `ramAddress` draws a guest address in RAM. */
  constructor(random: Random, features: FeatureSet, ramAddress: () => number) {
    this.#random = random;
    this.#ramAddress = ramAddress;
    this.#features = features;
    // What is sure to be refused comes less often, and what ends something less often than what makes it.
    this.#rows = commands.flatMap((row) =>
      this.#isAvailable(row) && !/UNREF|DETACH|DESTROY/.test(row.name) ? [row, row, row, row] : [row]
    );
  }

  /** The next request. */
  next(): Request {
    const random = this.#random;
    const row = random.pick(this.#rows);
    this.#isCreating = row.name.includes("CREATE") && this.#isAvailable(row);
    const type = random.oneIn(50) ? hostileU32(random) : row.type;
    const queue = QUEUES[row.queue] ^ (random.oneIn(50) ? 1 : 0);
    return { bytes: this.#buffer.subarray(0, this.#write(row, type)), queue, replyBytes: this.#replyBytes(row) };
  }

  #isAvailable({ feature }: Command): boolean {
    return feature === undefined || hasFeature(this.#features, FEATURE_BITS.get(feature)!);
  }

  /** Writes a request and returns how many of its bytes the guest sends. */
  #write(row: Command, type: number): number {
    const random = this.#random;
    this.#writeStruct(row.request, 0);
    this.#writeHeader(type);
    let length = row.request.sizeBytes;
    if (row.request.trailing === "entries") length += this.#writeEntries(row.request);
    else if (row.request.trailing !== undefined) length += random.below(64);
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
        return this.#view.setUint8(at, random.u32());
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
      case "width":
      case "height":
        return random.pick(SIZES);
      case "strides":
        return random.pick([256, 256, 260, 512]);
      case "offset":
      case "offsets":
        return random.oneIn(2) ? 0 : 4 * random.below(512);
      case "size":
        return random.oneIn(2) ? 16384 : 4 * random.below(8192);
      default:
        return hostileU32(random);
    }
  }

  /** Writes entries behind `struct` and their number into it; returns their bytes. */
  #writeEntries(struct: Struct): number {
    const random = this.#random;
    const count = random.oneIn(40) ? random.between(1, 600) : random.between(1, 8);
    for (let index = 0; index < count; index++) this.#writeEntry(struct.sizeBytes + index * memEntry.sizeBytes);
    const isHonest = !random.oneIn(16);
    const field = struct.fields.find(({ name }) => name === "nr_entries")!;
    this.#view.setUint32(field.offset, isHonest ? count : hostileU32(random), true);
    return count * memEntry.sizeBytes;
  }

  #writeEntry(at: number): void {
    const random = this.#random;
    const address = this.#ramAddress();
    const [addr, length] = memEntry.fields;
    this.#view.setUint32(at + addr!.offset, random.oneIn(200) ? hostileU32(random) : address, true);
    this.#view.setUint32(at + addr!.offset + 4, random.oneIn(200) ? hostileU32(random) : address / 2 ** 32, true);
    this.#view.setUint32(at + length!.offset, random.oneIn(200) ? hostileU32(random) : random.between(1, 16384), true);
  }

  #replyBytes(row: Command): number {
    const random = this.#random;
    const enough = REPLY_BYTES.get(`OK_${row.reply}`)!;
    if (!random.oneIn(8)) return enough;
    return random.pick([0, random.between(1, 23), 24, random.between(25, 1200)]);
  }
}
