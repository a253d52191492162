import { assert, assertEquals } from "@std/assert";
import { VirtioFeature } from "../../../src/virtio/virtio.gen.ts";
import { type FeatureSet, hasFeature } from "../../../src/virtio/virtio_device.ts";
import { BatchWriter, type Habits } from "./fuzz_batch.ts";
import { FuzzQueue } from "./fuzz_queue.ts";
import type { FuzzSession, Verdict } from "./fuzz_session.ts";
import { type RamPart, ramParts } from "./guest_layout.ts";
import { GuestSpace } from "./guest_space.ts";
import { Probe } from "./probe.ts";
import { Random } from "./random.ts";
import { RequestGenerator } from "./requests.ts";

/** How a guest's life went. */
export interface Life {
  /** Commands that it sent. */
  readonly commands: number;
  /** What became of its last batch. */
  readonly end: Verdict;
}

/** What the devices' limits allow. */
export interface FuzzLimits {
  readonly hostMemoryBytes: number;
  readonly resources: number;
}

const LIFE_COMMANDS = 800;
const BATCH_COMMANDS = 48;
const CONTROL_SIZES = [4, 16, 64, 64, 256, 256];
const CURSOR_SIZES = [2, 4, 16];
const SCANOUTS = [0, 1];

const [LOW, NEXT, HIGH] = ramParts as [RamPart, RamPart, RamPart];
/** What may be left of RAM after a change of the region table. */
const PARTS: readonly (readonly RamPart[])[] = [
  ramParts,
  [LOW, NEXT],
  [LOW, HIGH],
  [LOW, NEXT, { ...HIGH, sizeBytes: HIGH.sizeBytes / 2 }],
  [{ ...LOW, sizeBytes: LOW.sizeBytes - 4096 }, HIGH],
];

/** One guest: starts the device, lives by its habits, and is followed by a reset. */
export class FuzzGuest {
  readonly #session: FuzzSession;
  readonly #limits: FuzzLimits;
  readonly #random: Random;
  readonly #requests: RequestGenerator;
  readonly #habits: Habits;
  readonly #writer: BatchWriter;
  readonly #probe: Probe;
  readonly #movesRam: boolean;
  readonly #holdsOver: boolean;
  #startBytes = 0;

  /** A guest that does what follows from `seed`, on devices with these limits. */
  constructor(session: FuzzSession, limits: FuzzLimits, seed: number) {
    const random = new Random(seed);
    const space = new GuestSpace(random);
    const { image } = session;
    random.fill(image.bytes);
    const features = drawFeatures(session, random);
    const requests = new RequestGenerator(random, features, () => space.anyPages());
    const queues = [CONTROL_SIZES, CURSOR_SIZES].map((sizes, index) =>
      new FuzzQueue(image, space, index, random.pick(sizes))
    );
    session.start(features, queues);
    const hasIndirectDesc = hasFeature(features, VirtioFeature.IndirectDesc);
    const isPolite = random.oneIn(2);
    const polite = { aimedReplies: 0, spoiledRings: 0, hasIndirectDesc };
    this.#habits = isPolite ? polite : { aimedReplies: random.pick([0, 30]), spoiledRings: 8, hasIndirectDesc };
    this.#session = session;
    this.#limits = limits;
    this.#random = random;
    this.#requests = requests;
    this.#writer = new BatchWriter(random, image, space, requests, this.#habits);
    this.#probe = new Probe(session, space, new BatchWriter(random, image, space, requests, polite));
    this.#movesRam = random.oneIn(4);
    this.#holdsOver = random.oneIn(2);
    const answersLater = random.oneIn(3) ? "byHand" : "never";
    session.forEachMachine(({ renderer }) => renderer.inner.answersLater = answersLater);
  }

  /** Sends batches until the guest has had enough or the device needs a reset. Throws where the device does wrong. */
  live(): Life {
    this.#startBytes = this.#session.same(({ heap }) => heap.usedBytes, "the heap in use");
    let commands = 0;
    for (let batch = 0; commands < LIFE_COMMANDS; batch++) {
      this.#disturb();
      const working = this.#session.queues.filter((queue) => !this.#session.isBroken(queue));
      if (working.length === 0) return { commands, end: "broken" };
      commands += this.#writer.write(working, BATCH_COMMANDS);
      if (this.#random.oneIn(80)) {
        this.#session.leave();
        return { commands, end: "left" };
      }
      const verdict = this.#session.run(this.#holdsOver && this.#random.oneIn(2));
      const isOver = verdict === "undefined" || (verdict === "broken" && this.#random.oneIn(2));
      if (isOver) return { commands, end: verdict };
      if (batch % 16 === 0) this.#checkState();
    }
    return { commands, end: this.#part() };
  }

  /** What happens to a machine while a guest runs. */
  #disturb(): void {
    if (this.#movesRam && this.#random.oneIn(6)) this.#session.setParts(this.#random.pick(PARTS));
    if (this.#random.oneIn(100)) this.#session.forEachMachine(({ memory }) => memory.grow(1));
  }

  /** The end of a life without a malformed ring: the device still does what a good guest asks. */
  #part(): Verdict {
    this.#checkState();
    if (this.#session.queues.some((queue) => this.#session.isBroken(queue))) return "broken";
    this.#session.setParts(ramParts);
    const verdict = this.#session.run(); // what still waits for fences
    if (verdict !== "answered") return verdict;
    const live = this.#probe.unref(this.#requests.resourceIds);
    this.#probe.destroyContexts(this.#requests.contextIds);
    const leftBytes = this.#session.same(({ heap }) => heap.usedBytes, "the heap in use") - this.#startBytes;
    if (this.#habits.spoiledRings > 0 && leftBytes > 0) return "answered"; // spoiled requests made resources of other ids
    assertEquals(leftBytes, 0, "the heap in use without resources and contexts");
    const accountedBytes = this.#session.same((machine) => machine.accountedBytes, "the account");
    assertEquals(accountedBytes, 0, "the account without resources and contexts");
    assert(live <= this.#limits.resources, `${live} resources, the limit is ${this.#limits.resources}`);
    this.#probe.assertPicture(this.#random.below(256));
    return "answered";
  }

  /** The machines show the same, and keep their limit. */
  #checkState(): void {
    const session = this.#session;
    session.same(({ gpu }) => gpu.counters, "the counters");
    let shownBytes = 0;
    for (const id of SCANOUTS) {
      shownBytes += session.same(({ display }) => display.picture(id)?.rgba ?? NOTHING, `scanout ${id}`).length;
      session.same(({ display }) => display.cursor(id)?.picture.rgba ?? NOTHING, `the cursor of scanout ${id}`);
    }
    const guestBytes = session.same(({ heap }) => heap.usedBytes, "the heap in use") - this.#startBytes - shownBytes;
    session.same((machine) => machine.contents(), "the contents of resources");
    session.same((machine) => machine.accountedBytes, "the account");
    for (const { begin, end } of session.model.isTrusted ? session.model.state.mappedRanges : []) {
      session.same((machine) => machine.windowBytes(begin, end - begin), `the window at ${begin}`);
    }
    const limit = this.#limits.hostMemoryBytes;
    assert(guestBytes <= limit, `the guest holds ${guestBytes} bytes of host memory, the limit is ${limit}`);
  }
}

const NOTHING = new Uint8Array();

/** VERSION_1, and most of what else is offered. */
function drawFeatures(session: FuzzSession, random: Random): FeatureSet {
  const { low, high } = session.same(({ gpu }) => gpu.offeredFeatures, "the features");
  const mostly = () => random.oneIn(3) ? random.u32() : 0xffff_ffff;
  const version1 = 1 << (VirtioFeature.Version1 - 32);
  return { low: (low & mostly()) >>> 0, high: ((high & mostly()) | version1) >>> 0 };
}
