import type { GuestMemory } from "../../memory/guest_memory.ts";
import type { SharedResource } from "../../memory/shared_resource.ts";
import { foreignSizeBytes, readForeign } from "./foreign_record.ts";

/** A foreign resource, by the record that tells of it now; 0 when there is none. */
class ServedResource implements SharedResource {
  record: number;
  readonly #guest: GuestMemory;

  constructor(guest: GuestMemory, record: number) {
    this.#guest = guest;
    this.record = record;
  }

  get sizeBytes(): number {
    return this.record === 0 ? 0 : foreignSizeBytes(this.#guest, this.record);
  }

  read(start: number, lengthBytes: number, target: number): boolean {
    return this.record !== 0 && readForeign(this.#guest, this.record, start, lengthBytes, target);
  }
}

/** The foreign resources of a device on another thread, as the renderer sees them. */
export class ServedForeign {
  readonly #guest: GuestMemory;
  /** By `id | 0`. */
  readonly #resources = new Map<number, ServedResource>();

  /** Those whose bytes and records lie in the memory of `guest`. */
  constructor(guest: GuestMemory) {
    this.#guest = guest;
  }

  /** The resource with this number; undefined when the device has not told of one. */
  find(resourceId: number): SharedResource | undefined {
    return this.#resources.get(resourceId | 0);
  }

  /** The device tells of a resource by a record, or by 0 that it can say no more of it. */
  place(resourceId: number, record: number): void {
    const known = this.#resources.get(resourceId | 0);
    if (known !== undefined) known.record = record;
    if (record === 0) this.#resources.delete(resourceId | 0);
    else if (known === undefined) this.#resources.set(resourceId | 0, new ServedResource(this.#guest, record));
  }

  /** A resource ends: whoever still has it reads nothing any more. */
  end(resourceId: number): void {
    this.place(resourceId, 0);
  }

  /** All end. */
  clear(): void {
    for (const resource of this.#resources.values()) resource.record = 0;
    this.#resources.clear();
  }
}
