/** A resource as the model knows it: "default" is a host blob with guest pages. */
export interface ModelResource {
  readonly kind: "2d" | "guest" | "3d" | "host" | "default";
  readonly sizeBytes: number;
  /** Whether it has guest pages; undefined when nobody knows. */
  hasPages: boolean | undefined;
  /** Where in the window it is mapped. */
  mappedAt?: number | undefined;
}

/** What exists on a device, in the model's books. */
export class ModelState {
  /** Contexts by their ids, each with the resources that are not the renderer's and that it is attached to. */
  readonly contexts: Map<number, { isLost: boolean; readonly attached: Set<number> }> = new Map();
  /** Resources by their ids, and those of which nobody knows whether they exist, or have pages. */
  readonly resources: Map<number, ModelResource> = new Map();
  readonly #doubted = new Set<number>();

  /** How many resources exist at least. */
  get certainCount(): number {
    return this.resources.size - this.#doubted.size;
  }

  /** The ranges of the window that are taken. */
  get mappedRanges(): { begin: number; end: number }[] {
    const ranges: { begin: number; end: number }[] = [];
    for (const { mappedAt, sizeBytes } of this.resources.values()) {
      if (mappedAt !== undefined) ranges.push({ begin: mappedAt, end: mappedAt + Math.ceil(sizeBytes / 4096) * 4096 });
    }
    return ranges;
  }

  /** Whether nobody knows if the resource `id` exists, or what it has. */
  isDoubted(id: number): boolean {
    return this.#doubted.has(id);
  }

  /** A resource was made. */
  add(id: number, resource: ModelResource): void {
    this.resources.set(id, resource);
    this.#doubted.delete(id);
  }

  /** From now on nobody knows. */
  doubt(id: number): void {
    const unknown = { kind: "guest" as const, sizeBytes: 0, hasPages: undefined };
    if (!this.resources.has(id)) this.resources.set(id, unknown);
    this.#doubted.add(id);
  }

  /** The resource does not exist. */
  remove(id: number): void {
    this.resources.delete(id);
    for (const { attached } of this.contexts.values()) attached.delete(id);
    this.#doubted.delete(id);
  }
}
