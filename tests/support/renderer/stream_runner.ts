import type { RendererHost } from "../../../src/renderer/renderer.ts";
import type { RenderContext } from "./context.ts";
import { levelOf, makeObject, type RenderResource } from "./resources.ts";
import { COMMAND_WORDS, ObjectKind, Opcode } from "./stream.ts";
import type { Progress } from "./timeline.ts";

/** Where in a stream a runner is. */
export interface StreamPlace {
  readonly words: Uint32Array;
  at: number;
}

/** Carries out command streams: each command is checked wholly before it does anything. */
export class StreamRunner {
  readonly #host: RendererHost;
  readonly #resources: ReadonlyMap<number, RenderResource>;

  /** Draws into `resources`. */
  constructor(host: RendererHost, resources: ReadonlyMap<number, RenderResource>) {
    this.#host = host;
    this.#resources = resources;
  }

  /**
   * Runs the commands from `place.at` to word `end`, or to a delay, behind which `place.at` then is. `wasHeld` says that a
   * delay was before: what the guest has destroyed meanwhile is passed over.
   */
  run(context: RenderContext, place: StreamPlace, end: number, wasHeld: boolean): Progress {
    const { words } = place;
    while (place.at < end) {
      const head = words[place.at]!;
      const [opcode, length] = [head & 0xff, head >>> 8];
      if (length !== COMMAND_WORDS[opcode] || length === 0 || length > end - place.at) return "lost";
      const first = place.at + 1;
      place.at += length;
      if (opcode === Opcode.Delay && words[first] !== 0) return words[first]!;
      if (!this.#runCommand(context, opcode, words, first, wasHeld)) return "lost";
    }
    return "done";
  }

  /** Runs one command, whose arguments begin at word `at`; false when something is wrong with it. */
  #runCommand(context: RenderContext, opcode: number, words: Uint32Array, at: number, wasHeld: boolean): boolean {
    const word = (index: number) => words[at + index]!;
    switch (opcode) {
      case Opcode.MakeObject:
        return this.#makeObject(context, word(0), word(1), word(2), word(3), word(4));
      case Opcode.Fill:
        if (wasHeld && this.#isGone(word(0))) return true;
        return this.#fill(this.#find(context, word(0)), word(1), word(2), word(3));
      case Opcode.Copy:
        if (wasHeld && (this.#isGone(word(0)) || this.#isGone(word(2)))) return true;
        return this.#copy(context, this.#find(context, word(0)), word(1), word(2), word(3), word(4));
      case Opcode.FillRect:
        if (wasHeld && this.#isGone(word(0))) return true;
        return this.#fillRect(this.#find(context, word(0)), word(1), word(2), word(3), word(4), word(5));
      case Opcode.Delay:
        return true;
      default:
        return false; // LOSE, too
    }
  }

  #find(context: RenderContext, resourceId: number): RenderResource | undefined {
    return context.attached.has(resourceId) ? this.#resources.get(resourceId) : undefined;
  }

  #isGone(resourceId: number): boolean {
    return !this.#resources.has(resourceId) && this.#host.resource(resourceId) === undefined;
  }

  #makeObject(context: RenderContext, low: number, high: number, kind: number, width: number, height: number): boolean {
    const isImage = kind === ObjectKind.Image;
    if (!isImage && (kind !== ObjectKind.Buffer || height !== 1)) return false;
    if (context.object(low, high) !== undefined) return false;
    const object = makeObject(this.#host, isImage, width, height);
    if (object !== undefined) context.addObject(low, high, object);
    return object !== undefined;
  }

  #fill(target: RenderResource | undefined, offset: number, sizeBytes: number, value: number): boolean {
    if (target === undefined || offset % 4 !== 0 || sizeBytes % 4 !== 0) return false;
    const { address, sizeBytes: available } = target.block;
    if (offset + sizeBytes > available) return false;
    const begin = (address + offset) / 4;
    this.#host.guest.words.fill(value, begin, begin + sizeBytes / 4);
    return true;
  }

  #copy(
    context: RenderContext,
    target: RenderResource | undefined,
    targetOffset: number,
    sourceId: number,
    sourceOffset: number,
    sizeBytes: number,
  ): boolean {
    if (target === undefined || targetOffset + sizeBytes > target.block.sizeBytes) return false;
    if (!context.attached.has(sourceId)) return false;
    const to = target.block.address + targetOffset;
    const source = this.#resources.get(sourceId);
    if (source === undefined) return this.#host.resource(sourceId)?.read(sourceOffset, sizeBytes, to) ?? false;
    if (sourceOffset + sizeBytes > source.block.sizeBytes) return false;
    const from = source.block.address + sourceOffset;
    this.#host.guest.bytes.copyWithin(to, from, from + sizeBytes);
    return true;
  }

  #fillRect(
    target: RenderResource | undefined,
    x: number,
    y: number,
    width: number,
    height: number,
    value: number,
  ): boolean {
    const level = target?.isImage ? levelOf(target, 0) : undefined;
    if (level === undefined || x + width > level.widthTexels || y + height > level.heightTexels) return false;
    const { words } = this.#host.guest;
    for (let row = y; row < y + height; row++) {
      const begin = (level.address + row * level.strideBytes) / 4 + x;
      words.fill(value, begin, begin + width);
    }
    return true;
  }
}
