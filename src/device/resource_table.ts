import type { GuestMemory } from "../memory/guest_memory.ts";
import type { PageList } from "../memory/page_list.ts";
import { type Reason, Reasons } from "../protocol/reasons.ts";
import type { Renderer } from "../renderer/renderer.ts";
import { endAll } from "./end_all.ts";
import type { HostAccount } from "./host_account.ts";
import type { Resource } from "./resource.ts";

/** The resources of a guest by their ids, and the host memory that they take. */
export class ResourceTable {
  readonly #guest: GuestMemory;
  readonly #account: HostAccount;
  readonly #limit: number;
  readonly #renderer: Renderer | undefined;
  /** By `id | 0`, since an id of 2^31 or more would be boxed at each look-up: 16 bytes a command. */
  readonly #byId = new Map<number, Resource>();
  readonly #byUuid = new Map<string, Resource>();
  /** The pages of a blob that the renderer will make `LATER`, until the command is carried out again. */
  #waitingBacking: PageList | undefined;

  /**
   * An empty table of at most `limit` resources, whose memory comes from the guest memory's heap; the contents of some are
   * the renderer's, which is told of their end.
   */
  constructor(guest: GuestMemory, account: HostAccount, limit: number, renderer?: Renderer) {
    this.#guest = guest;
    this.#account = account;
    this.#limit = limit;
    this.#renderer = renderer;
  }

  /** All resources, in the order in which they were made. */
  get all(): Iterable<Resource> {
    return this.#byId.values();
  }

  /** How many resources exist. */
  get count(): number {
    return this.#byId.size;
  }

  /** The resource with this id, or undefined. */
  get(id: number): Resource | undefined {
    return this.#byId.get(id | 0);
  }

  /** Why no resource may have this id now, or undefined when it may. */
  refuseId(id: number): Reason | undefined {
    if (id === 0) return Reasons.resourceIdZero;
    if (this.#byId.has(id | 0)) return Reasons.resourceIdInUse;
    return undefined;
  }

  /** Whether the limit of resources is reached. */
  get isFull(): boolean {
    return this.#byId.size >= this.#limit;
  }

  /** Reserves `bytes` of zeroed host memory for a new resource; a reason when a limit does not allow it. */
  allocate(bytes: number): number | Reason {
    if (!this.#account.reserve(bytes)) return Reasons.hostMemoryFull;
    const address = this.#guest.heap.allocate(bytes);
    if (address !== 0) return address;
    this.#account.release(bytes);
    return Reasons.hostMemoryFull;
  }

  /** Enters a resource under its id, which `refuseId` has let pass, and under its UUID if it has one. */
  add(resource: Resource): void {
    this.#byId.set(resource.id | 0, resource);
    if (resource.uuid !== undefined) this.#byUuid.set(resource.uuid, resource);
  }

  /** The UUID of a resource, 32 hexadecimal digits: random, made at the first question, the same ever after. */
  share(resource: Resource): string {
    resource.uuid ??= crypto.randomUUID().replaceAll("-", "");
    this.#byUuid.set(resource.uuid, resource);
    return resource.uuid;
  }

  /** The resource that was shared under this UUID, or undefined. */
  findShared(uuid: string): Resource | undefined {
    return this.#byUuid.get(uuid);
  }

  /**
   * Keeps the pages of a blob that the renderer will make, maybe `LATER`; they are the table's until `takeWaitingBacking`.
   * Those of before, which nobody has taken, belong to a command that has come to no end.
   */
  keepWaitingBacking(backing: PageList | undefined): void {
    this.#releaseBacking(this.#waitingBacking);
    this.#waitingBacking = backing;
  }

  /** The pages that were kept, which are the caller's again; undefined when there are none. */
  takeWaitingBacking(): PageList | undefined {
    const backing = this.#waitingBacking;
    this.#waitingBacking = undefined;
    return backing;
  }

  /** Takes a resource out and gives its memory back; a host blob must not be mapped any more. */
  remove(resource: Resource): void {
    this.#endContents(resource);
    this.#byId.delete(resource.id | 0);
    if (resource.uuid !== undefined) this.#byUuid.delete(resource.uuid);
    this.#release(resource);
  }

  /** Takes all resources out and gives their memory back. A renderer that is reset too is reset after it. */
  clear(): void {
    this.#releaseBacking(this.takeWaitingBacking());
    const resources = [...this.#byId.values()];
    this.#byId.clear();
    this.#byUuid.clear();
    for (const resource of resources) this.#release(resource);
    endAll(resources, (resource) => this.#endContents(resource));
  }

  /** Gives its own resources back and takes over those of `other`, which has none afterwards. */
  takeOver(other: ResourceTable): void {
    this.clear();
    this.#account.reserve(other.#account.usedBytes); // there is room: both have the same limit
    for (const resource of other.#byId.values()) this.add(resource);
    other.#byId.clear();
    other.#byUuid.clear();
  }

  #release(resource: Resource): void {
    this.#releaseBacking(resource.backing);
    resource.backing = undefined;
    if (resource.kind === "2d") this.#guest.heap.free(resource.address);
    this.#account.release(resource.hostBytes);
  }

  /** Has the renderer end what is its own of a resource. */
  #endContents({ kind, id }: Resource): void {
    if (kind === "3d" || kind === "hostBlob") this.#renderer!.destroyResource(id);
  }

  #releaseBacking(backing: PageList | undefined): void {
    if (backing === undefined) return;
    this.#account.release(backing.hostBytes);
    backing.release();
  }
}
