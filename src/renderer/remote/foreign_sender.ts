import type { RendererHost } from "../renderer.ts";
import { RequestKind } from "./channel.ts";
import { type ForeignPlace, foreignRecordBytes, writeForeignRecord } from "./foreign_record.ts";
import type { RequestSender } from "./request_sender.ts";

/** So many foreign resources are known to the other side at most; each is looked at before each command stream. */
const MAX_FOREIGN = 1024;

/** What the other side was told of a resource. */
interface Told {
  readonly sizeBytes: number;
  place: ForeignPlace;
  /** The generation of guest memory in which it lay there. */
  generation: number;
  /** Address of the record; 0 when there was no room for one. */
  record: number;
  recordBytes: number;
}

/** A record that the other side may be reading until it is done with the requests up to a position. */
interface Retired {
  readonly record: number;
  readonly recordBytes: number;
  readonly position: number;
}

/**
 * Tells the renderer's side where the bytes of foreign resources lie, those that are not the renderer's: it reads them there
 * itself, in the middle of a command stream. Guest pages may go while it does: it reads other bytes of the same memory then,
 * or zeros. The bytes of a 2D resource stay until the other side has heard of its end, but for a reset, after which what was
 * read is nobody's. Records are in the guest's account.
 */
export class ForeignSender {
  readonly #host: RendererHost;
  readonly #sender: RequestSender;
  /** By `id | 0`. */
  readonly #told = new Map<number, Told>();
  readonly #retired: Retired[] = [];

  /** Tells of the resources of `host`. */
  constructor(host: RendererHost, sender: RequestSender) {
    this.#host = host;
    this.#sender = sender;
  }

  /** Whether the other side was told of a resource. */
  has(resourceId: number): boolean {
    return this.#told.has(resourceId | 0);
  }

  /** Tells of a resource for the first time by `tell`, unless there is none, or too many are known. */
  begin(resourceId: number, tell: (kind: RequestKind, first: number, second: number) => void): void {
    const shared = this.#host.resource(resourceId);
    if (shared === undefined || this.has(resourceId) || this.#told.size === MAX_FOREIGN) return;
    const { sizeBytes } = shared;
    const told: Told = { sizeBytes, place: undefined, generation: 0, record: 0, recordBytes: 0 };
    this.#told.set(resourceId | 0, told);
    if (this.#renew(resourceId, told)) tell(RequestKind.PlaceForeign, resourceId, told.record);
  }

  /** Tells what has changed since; false when there is no room for all of it now. */
  refresh(): boolean {
    this.collect();
    if (this.#told.size === 0) return true;
    for (const [id, told] of this.#told) {
      if (this.#isPresent(id, told)) continue;
      if (!this.#sender.hasRoom(2)) return false;
      this.#replace(id, told);
    }
    return true;
  }

  /** The other side has heard of a resource's end. */
  end(resourceId: number): void {
    const told = this.#told.get(resourceId | 0);
    if (told !== undefined) this.#retire(told);
    this.#told.delete(resourceId | 0);
    this.collect();
  }

  /** The device is reset: the other side reads no record any more once it has heard of it. */
  reset(): void {
    for (const told of this.#told.values()) this.#retire(told);
    this.#told.clear();
  }

  /** Gives records back that the other side reads no more; all of them when it is no more itself. */
  collect(isOver = false): void {
    if (this.#retired.length === 0 || !(isOver || this.#sender.isAtRest)) return;
    while (this.#retired.length > 0 && (isOver || this.#sender.isPassed(this.#retired[0]!.position))) {
      this.#free(this.#retired.shift()!);
    }
  }

  #isPresent(id: number, { place, generation, record }: Told): boolean {
    if (record === 0) return false;
    const now = this.#host.locate(id >>> 0);
    return now === place && (typeof now === "number" || generation === this.#host.guest.generation);
  }

  #replace(id: number, told: Told): void {
    const before = { ...told };
    if (!this.#renew(id, told)) return;
    this.#sender.begin(RequestKind.PlaceForeign, 2);
    this.#sender.put(id);
    this.#sender.put(told.record);
    this.#sender.publish();
    this.#retire(before);
  }

  /** Makes a new record; true when the other side has to be told. */
  #renew(id: number, told: Told): boolean {
    const before = told.record;
    const { guest, account } = this.#host;
    const place = this.#host.locate(id >>> 0);
    const bytes = foreignRecordBytes(place);
    const isReserved = account.reserve(bytes);
    told.record = isReserved ? guest.heap.allocate(bytes, true) : 0;
    told.recordBytes = bytes;
    told.place = place;
    told.generation = guest.generation;
    if (told.record !== 0) writeForeignRecord(guest, told.record, told.sizeBytes, place);
    else if (isReserved) account.release(bytes);
    return told.record !== before;
  }

  #retire({ record, recordBytes }: Told): void {
    if (record !== 0) this.#retired.push({ record, recordBytes, position: this.#sender.position });
  }

  #free({ record, recordBytes }: Retired): void {
    this.#host.guest.heap.free(record);
    this.#host.account.release(recordBytes);
  }
}
