import type { Random } from "./random.ts";

/** An object that a stream was to make. */
export interface BelievedObject {
  readonly contextId: number;
  readonly blobId: number;
  readonly sizeBytes: number;
}

/** A resource of the renderer's, or a blob with guest pages, whose pixels transfers copy. */
export interface BelievedImage {
  readonly resourceId: number;
  readonly width: number;
  readonly height: number;
}

/** How many things of a kind a guest remembers. */
const MEMORY = 8;

/** What a guest believes to exist, since it has asked for it: so that its commands meet something now and then. */
export class GuestBelief {
  readonly #random: Random;
  readonly #objects: BelievedObject[] = [];
  readonly #attachments: { contextId: number; resourceId: number }[] = [];
  readonly #hostBlobs: number[] = [];
  readonly #contexts = new Set<number>();
  readonly #images: BelievedImage[] = [];

  /** Draws from `random`. */
  constructor(random: Random) {
    this.#random = random;
  }

  /** A context is to be made. */
  addContext(contextId: number): void {
    this.#contexts.add(contextId);
  }

  /** A context is to end, and what belongs to it. */
  removeContext(contextId: number): void {
    this.#contexts.delete(contextId);
    removeIf(this.#objects, (object) => object.contextId === contextId);
    removeIf(this.#attachments, (attachment) => attachment.contextId === contextId);
  }

  /** A context, or undefined. */
  context(): number | undefined {
    return this.#contexts.size === 0 ? undefined : this.#random.pick([...this.#contexts]);
  }

  /** A stream is to make an object. */
  addObject(object: BelievedObject): void {
    remember(this.#objects, object);
  }

  /** A blob is to be made of an object. */
  addHostBlob(resourceId: number): void {
    remember(this.#hostBlobs, resourceId);
  }

  /** An image is to be made. */
  addImage(image: BelievedImage): void {
    remember(this.#images, image);
  }

  /** A context is to use a resource. */
  addAttachment(contextId: number, resourceId: number): void {
    remember(this.#attachments, { contextId, resourceId });
  }

  /** An object, mostly forgotten afterwards; undefined when there is none. */
  takeObject(): BelievedObject | undefined {
    if (this.#objects.length === 0) return undefined;
    const at = this.#random.below(this.#objects.length);
    const object = this.#objects[at];
    if (!this.#random.oneIn(4)) this.#objects.splice(at, 1);
    return object;
  }

  /** An image, or undefined. */
  image(): BelievedImage | undefined {
    return this.#images.length === 0 ? undefined : this.#random.pick(this.#images);
  }

  /** A host blob, or undefined. */
  hostBlob(): number | undefined {
    return this.#hostBlobs.length === 0 ? undefined : this.#random.pick(this.#hostBlobs);
  }

  /** A resource that the context uses, or undefined. */
  attached(contextId: number): number | undefined {
    const own = this.#attachments.filter((attachment) => attachment.contextId === contextId);
    return own.length === 0 ? undefined : this.#random.pick(own).resourceId;
  }
}

function removeIf<T>(list: T[], isGone: (item: T) => boolean): void {
  list.splice(0, list.length, ...list.filter((item) => !isGone(item)));
}

function remember<T>(list: T[], item: T): void {
  list.push(item);
  if (list.length > MEMORY) list.shift();
}
