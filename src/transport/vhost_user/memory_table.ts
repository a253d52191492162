import type { GuestMemory } from "../../memory/guest_memory.ts";
import type { Mapping, VhostUserHost } from "./host.ts";
import { MAX_TABLE_REGIONS, type MemoryRegion } from "./vhost_user.gen.ts";

/** Most regions at a time: as many as the kernels' region table holds. */
export const MEMORY_SLOTS = 64;

/** Addresses and offsets that are no smaller are not exact. */
const MAX_ADDRESS = 2 ** 53;

interface Slot {
  readonly region: MemoryRegion;
  readonly mapping: Mapping;
}

/**
 * The guest memory that a front end has handed over: which of its files are mapped, and what its own addresses mean.
 * Methods that return a text refuse for that reason. They do not close the file descriptors that they are given.
 */
export class MemoryTable {
  readonly #guest: GuestMemory;
  readonly #host: VhostUserHost;
  #slots: readonly Slot[] = [];

  /** No memory yet. From now on the regions of `guest` are this table's business. */
  constructor(guest: GuestMemory, host: VhostUserHost) {
    this.#guest = guest;
    this.#host = host;
  }

  /**
   * Replaces the table, whose regions lie in the files `fds`, one each. A region that was there already stays mapped. When a
   * file cannot be mapped, no memory is left; for any other reason nothing changes.
   */
  replace(regions: readonly MemoryRegion[], fds: readonly number[]): string | undefined {
    if (regions.length > MAX_TABLE_REGIONS) return `${regions.length} regions are more than ${MAX_TABLE_REGIONS}`;
    if (fds.length !== regions.length) return `${fds.length} file descriptors come with ${regions.length} regions`;
    const problem = problemOf(regions);
    if (problem !== undefined) return problem;
    const kept = regions.map((region, index) => this.#mappingOf(region, fds[index]!));
    this.#use(this.#slots.filter(({ mapping }) => kept.includes(mapping)));
    const slots: Slot[] = [];
    for (const [index, region] of regions.entries()) {
      const mapping = kept[index] ?? this.#map(region, fds[index]!);
      if (typeof mapping === "string") {
        for (const slot of slots) if (!kept.includes(slot.mapping)) this.#host.unmapRegion(slot.mapping);
        this.clear();
        return mapping;
      }
      slots.push({ region, mapping });
    }
    this.#use(slots);
    return undefined;
  }

  /** Adds a region that lies in the file `fd`. */
  add(region: MemoryRegion, fd: number): string | undefined {
    if (this.#slots.length === MEMORY_SLOTS) return `all ${MEMORY_SLOTS} memory slots are in use`;
    const problem = problemOf([...this.#slots.map((slot) => slot.region), region]);
    if (problem !== undefined) return problem;
    const mapping = this.#map(region, fd);
    if (typeof mapping === "string") return mapping;
    this.#use([...this.#slots, { region, mapping }]);
    return undefined;
  }

  /** Takes away the region with the addresses and the size of `region`. */
  remove(region: MemoryRegion): string | undefined {
    const rest = this.#slots.filter((slot) => !isSamePlace(slot.region, region));
    if (rest.length === this.#slots.length) return "there is no such region";
    this.#use(rest);
    return undefined;
  }

  /** Takes all memory away. */
  clear(): void {
    this.#use([]);
  }

  /** The guest-physical address of what the front end itself has at `userAddress`; undefined when it is in no region. */
  guestAddress(userAddress: number): number | undefined {
    const found = this.#slots.find(({ region }) =>
      userAddress >= region.userAddress && userAddress < region.userAddress + region.sizeBytes
    );
    return found && found.region.guestAddress + userAddress - found.region.userAddress;
  }

  /** Puts `slots` in force, and unmaps what is in none of them. */
  #use(slots: readonly Slot[]): void {
    const gone = this.#slots.filter(({ mapping }) => !slots.some((slot) => slot.mapping === mapping));
    this.#slots = slots;
    this.#guest.setRegions(slots.map(({ region: { guestAddress, sizeBytes }, mapping: { offset } }) => {
      return { guestAddress, sizeBytes, offset };
    }));
    for (const { mapping } of gone) this.#host.unmapRegion(mapping);
  }

  #map({ fileOffset, sizeBytes }: MemoryRegion, fd: number): Mapping | string {
    return this.#host.mapRegion(fd, fileOffset, sizeBytes);
  }

  /** The mapping that shows `region` of the file `fd` already. */
  #mappingOf(region: MemoryRegion, fd: number): Mapping | undefined {
    const { guestAddress, sizeBytes, fileOffset } = region;
    return this.#slots.find(({ region: other, mapping }) =>
      other.guestAddress === guestAddress && other.sizeBytes === sizeBytes && other.fileOffset === fileOffset &&
      this.#host.isMappingOf(mapping, fd)
    )?.mapping;
  }
}

function isSamePlace(a: MemoryRegion, b: MemoryRegion): boolean {
  return a.guestAddress === b.guestAddress && a.userAddress === b.userAddress && a.sizeBytes === b.sizeBytes;
}

/** Why these regions cannot be in force together, whatever files they lie in. */
function problemOf(regions: readonly MemoryRegion[]): string | undefined {
  for (const { guestAddress, userAddress, fileOffset, sizeBytes } of regions) {
    if (sizeBytes === 0) return `the region at guest address ${guestAddress} is empty`;
    const begin = Math.max(guestAddress, userAddress, fileOffset);
    if (sizeBytes >= MAX_ADDRESS || sizeBytes > MAX_ADDRESS - begin) {
      return `the region at guest address ${guestAddress} ends past 2^53`;
    }
  }
  const sorted = regions.toSorted((a, b) => a.guestAddress - b.guestAddress);
  const overlap = sorted.findIndex((region, index) => {
    const before = sorted[index - 1];
    return before !== undefined && region.guestAddress < before.guestAddress + before.sizeBytes;
  });
  return overlap < 0 ? undefined : `the region at guest address ${sorted[overlap]!.guestAddress} overlaps another`;
}
