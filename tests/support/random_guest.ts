import { entryWords, type MemoryEntry } from "../../src/guest/gpu_driver.ts";
import {
  BlobMem,
  Format,
  GpuQueue,
  type Rect,
  responseName,
  writeMoveCursor,
  writeResourceAttachBacking,
  writeResourceCreate2d,
  writeResourceCreateBlob,
  writeResourceDetachBacking,
  writeResourceFlush,
  writeResourceUnref,
  writeSetScanout,
  writeSetScanoutBlob,
  writeTransferToHost2d,
  writeUpdateCursor,
} from "../../src/protocol/wire.gen.ts";
import type { SendOptions, Writer } from "../../src/guest/gpu_driver.ts";
import type { Random } from "./fuzz/random.ts";
import type { Machine } from "./machine.ts";

const POOL_BYTES = 1024 * 1024;
const PAGE_BYTES = 4096;
const IDS = [1, 2, 3, 4];
const SIZES = [64, 64, 64, 33];
const WHOLE: Rect = { x: 0, y: 0, width: 64, height: 64 };

/** A guest that makes, fills, shows, swaps out and destroys things at random, mostly as it should. */
export class RandomGuest {
  readonly #random: Random;
  readonly #scanouts: number;
  #poolAddress = 0;

  /** Draws from `random`; the same draws do the same to any machine whose guest has allocated the same. */
  constructor(random: Random, scanouts: number) {
    this.#random = random;
    this.#scanouts = scanouts;
  }

  /** Does one thing through the machine's driver, and returns what came back. */
  act(machine: Machine): string {
    this.#poolAddress ||= machine.ram.allocate(POOL_BYTES, PAGE_BYTES);
    const random = this.#random;
    const resourceId = random.pick(IDS);
    const scanoutId = random.below(this.#scanouts);
    switch (random.below(14)) {
      case 0: {
        const [width, height] = [random.pick(SIZES), random.pick(SIZES)];
        return send(machine, writeResourceCreate2d, { resourceId, format: this.#format(), width, height });
      }
      case 1:
        return this.#createBlob(machine, resourceId);
      case 2:
        return this.#attach(machine, resourceId);
      case 3:
        return random.oneIn(3) ? send(machine, writeResourceDetachBacking, { resourceId }) : "";
      case 4:
        return random.oneIn(4) ? send(machine, writeResourceUnref, { resourceId }) : "";
      case 5:
        return this.#draw(machine);
      case 6:
      case 7: {
        const rect = this.#rect();
        return send(machine, writeTransferToHost2d, { resourceId, rect, offset: rect.x * 4 + rect.y * 256 });
      }
      case 8:
      case 9:
        return this.#show(machine, scanoutId, this.#shownId(resourceId));
      case 10:
      case 11:
        return IDS.map((id) => send(machine, writeResourceFlush, { resourceId: id, rect: this.#rect() })).join();
      case 12: {
        const pos = { scanoutId, x: random.below(100) - 50, y: random.below(100) - 50 };
        const fields = { pos, resourceId: this.#shownId(resourceId), hotX: random.below(70), hotY: random.below(70) };
        return send(machine, writeUpdateCursor, fields, { queue: GpuQueue.Cursor });
      }
      default: {
        const pos = { scanoutId, x: random.below(100) - 50, y: random.below(100) - 50 };
        return send(machine, writeMoveCursor, { pos, resourceId, hotX: 0, hotY: 0 }, { queue: GpuQueue.Cursor });
      }
    }
  }

  /** Gives every resource pages that has none, and flushes all; returns what came back. */
  showAll(machine: Machine): string[] {
    return IDS.flatMap((resourceId) => [
      this.#attach(machine, resourceId),
      ...SIZES.map((size) => {
        const rect = { x: 0, y: 0, width: size, height: size };
        return send(machine, writeResourceFlush, { resourceId, rect });
      }),
    ]);
  }

  #createBlob(machine: Machine, resourceId: number): string {
    const entries = this.#random.oneIn(4) ? [] : this.#entries();
    const size = 4 * PAGE_BYTES;
    const kind = { blobMem: BlobMem.Guest, blobFlags: this.#random.below(8), blobIdLow: 0, blobIdHigh: 0 };
    const fields = { resourceId, ...kind, nrEntries: entries.length, size };
    return send(machine, writeResourceCreateBlob, fields, { trailing: entryWords(entries) });
  }

  #attach(machine: Machine, resourceId: number): string {
    const entries = this.#entries();
    const fields = { resourceId, nrEntries: entries.length };
    return send(machine, writeResourceAttachBacking, fields, { trailing: entryWords(entries) });
  }

  /** Shows a resource, of whichever kind it is. */
  #show(machine: Machine, scanoutId: number, resourceId: number): string {
    const answer = send(machine, writeSetScanout, { scanoutId, resourceId, rect: this.#rect() });
    return answer.startsWith("OK") ? answer : this.#showBlob(machine, scanoutId, resourceId);
  }

  #showBlob(machine: Machine, scanoutId: number, resourceId: number): string {
    const random = this.#random;
    const strides = Uint32Array.of(random.pick([256, 260]), 0, 0, 0);
    const offsets = Uint32Array.of(random.pick([0, 4, 256]), 0, 0, 0);
    const rect = random.oneIn(2) ? this.#rect() : { ...WHOLE, height: 60 };
    const fields = { scanoutId, resourceId, rect, width: 64, height: 60, format: this.#format(), strides, offsets };
    return send(machine, writeSetScanoutBlob, fields);
  }

  /** Changes some pages of its own: no command says so. */
  #draw({ ram }: Machine): string {
    const random = this.#random;
    const words = ram.words(this.#poolAddress + random.below(POOL_BYTES / PAGE_BYTES) * PAGE_BYTES, PAGE_BYTES / 4);
    for (let index = 0; index < words.length; index++) words[index] = random.u32();
    return "";
  }

  /** Pages of the pool, 16 KiB in all, some in a row and some in pieces. */
  #entries(): MemoryEntry[] {
    const random = this.#random;
    const pages = () => this.#poolAddress + random.below(POOL_BYTES / PAGE_BYTES - 4) * PAGE_BYTES;
    if (random.oneIn(2)) return [{ addr: pages(), length: 4 * PAGE_BYTES }];
    return [1000, 3096, PAGE_BYTES, 2 * PAGE_BYTES].map((length) => ({ addr: pages() + random.below(8) * 4, length }));
  }

  #rect(): Rect {
    const random = this.#random;
    if (random.oneIn(2)) return WHOLE;
    const [x, y] = [random.below(32), random.below(32)];
    return { x, y, width: random.between(1, 64 - x), height: random.between(1, 64 - y) };
  }

  #format(): Format {
    return this.#random.pick([Format.B8G8R8X8Unorm, Format.R8G8B8A8Unorm, Format.A8R8G8B8Unorm]);
  }

  /** Seldom none. */
  #shownId(resourceId: number): number {
    return this.#random.oneIn(8) ? 0 : resourceId;
  }
}

function send<F>({ driver }: Machine, write: Writer<F>, fields: F, options?: SendOptions): string {
  const { header, usedLength } = driver.send(write, fields, options);
  return `${responseName(header.type)} ${usedLength}`;
}
