import { assert, assertEquals } from "@std/assert";
import { CTRL_HDR_SIZE, CtrlFlag, GpuQueue } from "../../../src/protocol/wire.gen.ts";
import { ISR_AT, NOTIFY_AT, NOTIFY_STRIDE_BYTES } from "../../../src/transport/pci_config.ts";
import {
  CommonCfg,
  DeviceStatus,
  InterruptStatus,
  VirtioFeature,
  VIRTQ_AVAIL_F_NO_INTERRUPT,
  VIRTQ_USED_ELEM_SIZE,
} from "../../../src/virtio/virtio.gen.ts";
import { type FeatureSet, featureSet, hasFeature } from "../../../src/virtio/virtio_device.ts";
import type { Piece, Region } from "../reference/region.ts";
import type { DeviceModel } from "./device_model.ts";
import {
  bytesOf,
  type Expectation,
  expectationOf,
  gather,
  isSameChain,
  isSameExpectation,
  type OfferedChain,
  referenceRegions,
  rewalk,
} from "./expectation.ts";
import { FenceOrder, type TimelinePlace } from "./fence_order.ts";
import { firstDifference } from "./first_difference.ts";
import type { FuzzMachine } from "./fuzz_machine.ts";
import type { FuzzQueue } from "./fuzz_queue.ts";
import { IMAGE_BYTES, imageOffsetOf, imageOffsetOfMemory, type RamPart, ramParts } from "./guest_layout.ts";
import { GuestImage } from "./guest_space.ts";
import type { LoggedCall } from "./logged_renderer.ts";
import { hasOverlap } from "./overlap.ts";
import { checkHeader } from "./reply_check.ts";
import { READY, startDevice } from "./start_device.ts";

/** What a guest made of one kick. */
export type Verdict =
  /** Each chain was answered. */
  | "answered"
  /** A queue was malformed, and the device says that it needs a reset. */
  | "broken"
  /** The guest went away in the middle of everything. */
  | "left"
  /** The guest aimed replies at rings or tables, so nobody can say what it asked for; it has to reset. */
  | "undefined";

/** Chains that have come back, in their order; with their replies, if there was room for one. */
type Replies = Map<ParkedChain, Uint8Array | undefined>;

const BROKEN: Expectation = { chains: [], error: -1 };
/** After so many turns of the host, a device that the guest has confused will do no more. */
const MOST_TURNS = 500;

/** A chain that was taken and has not come back: its fence waits. */
interface ParkedChain extends OfferedChain {
  /** The header of its request. */
  readonly header: Uint8Array;
  /** Its place in its timeline; undefined when nobody knows it. */
  place?: TimelinePlace;
}

/**
 * One guest on two machines that must not be distinguishable: the guest's RAM is made in an image, brought into both, and
 * what they made of it is compared with each other and with what was offered to them.
 */
export class FuzzSession {
  /** RAM as the guest wrote it, and after `run` with the device's answers in it. */
  readonly image: GuestImage = new GuestImage(IMAGE_BYTES);
  /** The guest's queues, of the present start. */
  queues: readonly FuzzQueue[] = [];
  readonly #machines: readonly FuzzMachine[];
  readonly #after = new GuestImage(IMAGE_BYTES);
  readonly #others = new GuestImage(IMAGE_BYTES);
  #parts: readonly RamPart[] = ramParts;
  #features: FeatureSet = featureSet();
  #brokenQueues = new Set<FuzzQueue>();
  readonly #parked = new Map<FuzzQueue, readonly ParkedChain[]>();
  readonly #model: DeviceModel;
  readonly #order = new FenceOrder();

  /** Drives these machines, whose devices have the limits of `model`. */
  constructor(machines: readonly FuzzMachine[], model: DeviceModel) {
    this.#machines = machines;
    this.#model = model;
  }

  /** Resets the devices and starts them with these features, which may be any set with VERSION_1, and these queues. */
  start(features: FeatureSet, queues: readonly FuzzQueue[]): void {
    this.queues = queues;
    this.#features = features;
    this.#brokenQueues.clear();
    this.#parked.clear();
    this.#order.clear();
    for (const machine of this.#machines) {
      machine.pci.reset();
      startDevice(machine.pci, features, queues);
      machine.poisonScratch();
    }
    this.#model.start(features);
  }

  /** What the devices have made for this guest, in the model's books; not to be relied on once `isTrusted` is false. */
  get model(): DeviceModel {
    return this.#model;
  }

  /** Resets the devices, with all memory back. */
  reset(): void {
    this.setParts(ramParts);
    for (const machine of this.#machines) machine.pci.reset();
    this.forEachMachine((machine) => machine.drain());
  }

  /** From now on RAM has these parts only. */
  setParts(parts: readonly RamPart[]): void {
    this.#parts = parts;
    for (const machine of this.#machines) machine.setRegions(parts);
  }

  /** Does the same with each machine. */
  forEachMachine(action: (machine: FuzzMachine) => void): void {
    this.#machines.forEach(action);
  }

  /** The machines' answers to one question, which must be the same; returns it. */
  same<T>(question: (machine: FuzzMachine) => T, what: string): T {
    const [first, ...others] = this.#machines.map(question);
    for (const other of others) assertEquals(other, first, `the machines differ in ${what}`);
    return first!;
  }

  /** Whether `queue` was found malformed since the start. */
  isBroken(queue: FuzzQueue): boolean {
    return this.#brokenQueues.has(queue);
  }

  /**
   * Kicks all queues, lets the hosts do what the devices wait for, and checks what became of what the image holds: to the
   * byte, unless replies are aimed at each other, at requests or at rings. With `holdsOver` the hosts do no more than they
   * must, so that fences may wait until a later run. Throws where the device did something that it must not.
   */
  run(holdsOver = false): Verdict {
    const regions = referenceRegions(this.#parts);
    const expectations = this.#expect(this.image, regions);
    const offered = expectations.flatMap(({ chains }) => chains);
    const areParkedWhole = this.#areParkedWhole(this.image, regions);
    const isPrecise = areParkedWhole && !hasOverlap(this.queues, [...offered, ...this.#allParked()]);
    const answered = this.same(({ gpu }) => gpu.counters.commands, "the commands answered") + offered.length;
    this.forEachMachine((machine) => machine.load(this.image.bytes));
    this.forEachMachine((machine) => this.#kick(machine));
    if (areParkedWhole) this.#settle(answered, holdsOver && isPrecise);
    this.#collect();
    const after = this.#expect(this.#after, regions);
    const written = this.#takeWritten();
    const isClear = areParkedWhole && this.#isApart(written, isPrecise ? offered : []) &&
      this.#areParkedWhole(this.#after, regions) &&
      after.every((expectation, index) => isSameExpectation(expectation, expectations[index]!));
    const calls = this.same(({ renderer }) => renderer.takeCalls(), "what they ask their renderers");
    if (!isPrecise || !isClear) this.#model.giveUp();
    if (!isClear) return "undefined";

    const interrupt = this.#wantedInterrupt(expectations);
    for (const [index, queue] of this.queues.entries()) this.#checkQueue(queue, expectations[index]!, isPrecise, calls);
    this.#acceptPieces(written, Infinity);
    const openFences = this.same(({ renderer }) => renderer.openFences, "the fences that are not done");
    if (isPrecise && this.#brokenQueues.size === 0) {
      assert(openFences <= this.#allParked().length, `${openFences} fences come back before they are done`);
    }
    assertEquals(
      firstDifference(this.image.bytes, this.#after.bytes),
      -1,
      "a byte of RAM changed that was not offered",
    );
    return this.#checkStatus(expectations, isPrecise ? interrupt : 0);
  }

  /** Kicks all queues, and does nothing else: what follows is a reset in the middle of everything. */
  leave(): void {
    this.forEachMachine((machine) => machine.load(this.image.bytes));
    this.forEachMachine((machine) => this.#kick(machine));
  }

  /** What the image offers in `queue` now. */
  offered(queue: FuzzQueue): Expectation {
    return expectationOf(this.image, queue, referenceRegions(this.#parts), this.#hasIndirectDesc);
  }

  /** The reply to the last chain of `queue`: as many bytes as the device says it wrote. */
  replyTo(chain: OfferedChain, queue: FuzzQueue): Uint8Array {
    const length = this.image.readU32(queue.usedElement(queue.done - 1) + 4);
    return gather(this.image.bytes, chain.writable, length);
  }

  get #hasIndirectDesc(): boolean {
    return hasFeature(this.#features, VirtioFeature.IndirectDesc);
  }

  /** Whether the chains that wait for fences are still what they were when the device took them. */
  #areParkedWhole(image: GuestImage, regions: Region[]): boolean {
    return [...this.#parked].every(([queue, chains]) =>
      chains.every((chain) => {
        const now = rewalk(image, queue, regions, this.#hasIndirectDesc, chain.head);
        return now !== undefined && isSameChain(now, chain);
      })
    );
  }

  /** The guest's pages that transfers may have written, in the image. */
  #takeWritten(): Piece[] {
    const written = this.same(({ renderer }) => renderer.takeWritten(), "the pages that they write");
    return written.map(({ offset, length }) => ({ guestAddress: 0n, offset: imageOffsetOfMemory(offset), length }));
  }

  /** Whether what transfers wrote is nothing that these chains, or rings, lie in. */
  #isApart(written: readonly Piece[], chains: readonly OfferedChain[]): boolean {
    return written.length === 0 || !hasOverlap(this.queues, [...chains, ...this.#allParked()], written);
  }

  #allParked(): ParkedChain[] {
    return [...this.#parked.values()].flat();
  }

  /**
   * Does what hosts do while a guest waits, with all machines alike, until `answered` commands were answered, and unless
   * `holdsOver` says otherwise until nothing waits.
   */
  #settle(answered: number, holdsOver: boolean): void {
    for (let turn = 0; turn < MOST_TURNS; turn++) {
      if (this.same(({ renderer }) => renderer.inner.isWaiting, "what they wait for")) {
        this.forEachMachine(({ renderer }) => renderer.inner.answerLater());
      } else {
        const isDone = this.same(({ gpu }) => gpu.counters.commands, "the commands answered") >= answered;
        const held = this.same(({ renderer }) => renderer.inner.heldTimelines, "the timelines that are held up");
        if (held.length === 0 || (isDone && holdsOver)) return;
        const { contextId, ringIndex } = held[turn % held.length]!;
        this.forEachMachine(({ renderer }) => renderer.inner.release(contextId, ringIndex));
      }
      this.forEachMachine((machine) => this.#drain(machine));
    }
  }

  #expect(image: GuestImage, regions: Region[]): Expectation[] {
    return this.queues.map((queue) =>
      this.isBroken(queue) ? BROKEN : expectationOf(image, queue, regions, this.#hasIndirectDesc)
    );
  }

  #kick(machine: FuzzMachine): void {
    crypto.randomUUID = () => machine.nextUuid(); // the machines must not differ
    for (const { index } of this.queues) machine.pci.writeBar(NOTIFY_AT + index * NOTIFY_STRIDE_BYTES, 2, index);
    machine.drain();
  }

  #drain(machine: FuzzMachine): void {
    crypto.randomUUID = () => machine.nextUuid();
    machine.drain();
  }

  /** Reads RAM back, which must be the same in all machines. */
  #collect(): void {
    const [first, ...others] = this.#machines;
    first!.store(this.#after.bytes);
    for (const other of others) {
      other.store(this.#others.bytes);
      const at = firstDifference(this.#after.bytes, this.#others.bytes);
      assertEquals(at, -1, "an answer depends on what the host's memory held before");
    }
  }

  /** Takes over into the image what the device was allowed to write, so that a comparison finds what it was not. */
  #checkQueue(queue: FuzzQueue, { chains, error }: Expectation, isPrecise: boolean, calls: LoggedCall[]): void {
    const hasEventIdx = hasFeature(this.#features, VirtioFeature.EventIdx);
    if (hasEventIdx) this.#accept(queue.availableEvent, 2);
    const offered = chains.map((chain) => ({
      ...chain,
      header: gather(this.image.bytes, chain.readable, CTRL_HDR_SIZE),
    }));
    const open = [...(this.#parked.get(queue) ?? []), ...offered];
    queue.taken = (queue.taken + chains.length) & 0xffff;
    if (error !== 0) this.#brokenQueues.add(queue);
    if (open.length > 0) this.#accept(queue.usedIndex, 2);
    if (isPrecise) {
      const replies = this.#checkAnswers(queue, open, error !== 0);
      if (queue.index === GpuQueue.Control) this.#followCommands(queue, offered, replies, calls);
    } else {
      for (const chain of open) this.#acceptPieces(chain.writable, Infinity);
      this.#accept(queue.used, queue.usedBytes);
      const areAllBack = !this.#brokenQueues.has(queue); // a malformed queue loses those that wait for fences
      queue.done = areAllBack ? (queue.done + open.length) & 0xffff : this.#after.readU16(queue.usedIndex);
      this.#parked.delete(queue);
      queue.hasParked = false;
    }
  }

  /**
   * Checks the chains of `open` that have come back, and keeps the others: only fences may be missing, and those of a queue
   * that turned out to be malformed are lost. Returns those that have come back, in their order, with their replies.
   */
  #checkAnswers(queue: FuzzQueue, open: ParkedChain[], isBroken: boolean): Replies {
    const replies: Replies = new Map();
    const count = (this.#after.readU16(queue.usedIndex) - queue.done) & 0xffff;
    assert(count <= open.length, `${count} chains come back of ${open.length}`);
    for (let index = 0; index < count; index++) {
      const element = queue.usedElement(queue.done + index);
      this.#accept(element, VIRTQ_USED_ELEM_SIZE);
      const head = this.#after.readU32(element);
      const at = open.findIndex((chain) => chain.head === head);
      assert(at >= 0, `the chain ${head} comes back, and nobody waits for it`);
      const [chain] = open.splice(at, 1);
      replies.set(chain!, this.#checkAnswer(chain!, this.#after.readU32(element + 4)));
    }
    queue.done = (queue.done + count) & 0xffff;
    const isHeld = this.same(({ renderer }) => renderer.inner.heldTimelines, "what is held up").length > 0;
    for (const { header } of isBroken ? [] : open) {
      const isFenced = header.length > 4 && (header[4]! & CtrlFlag.Fence) !== 0;
      assert(isFenced && isHeld, `a command that nothing holds up does not come back: ${header}`);
    }
    this.#parked.set(queue, isBroken ? [] : open);
    queue.hasParked = open.length > 0;
    return replies;
  }

  #checkAnswer({ writable, header }: ParkedChain, length: number): Uint8Array | undefined {
    this.#acceptPieces(writable, length);
    if (bytesOf(writable) < CTRL_HDR_SIZE) {
      assertEquals(length, 0, "the length of a reply without room");
      return undefined;
    }
    checkHeader(header, gather(this.#after.bytes, writable, CTRL_HDR_SIZE), length);
    return gather(this.#after.bytes, writable, length);
  }

  /** Compares what the device has answered, and asked its renderer, with the model. */
  #followCommands(queue: FuzzQueue, chains: readonly ParkedChain[], replies: Replies, calls: LoggedCall[]): void {
    if (!this.#model.isTrusted) return;
    for (const chain of chains) {
      const request = gather(this.image.bytes, chain.readable, Infinity);
      chain.place = this.#order.begin(this.#model.timelineOf(request));
      this.#model.follow(request, bytesOf(chain.writable), replies.get(chain), calls);
    }
    this.#model.checkRest(calls);
    for (const { place } of replies.keys()) if (place !== undefined) this.#order.end(place);
    for (const { place } of this.#parked.get(queue)!) {
      if (place !== undefined) this.#order.checkWaiting(place, this.#model.state);
    }
  }

  #checkStatus(expectations: readonly Expectation[], interrupt: number): Verdict {
    const isBroken = expectations.some(({ error }) => error !== 0);
    const status = this.same(({ pci }) => pci.readBar(CommonCfg.DeviceStatus, 1), "the device status");
    assertEquals(status, READY | (isBroken ? DeviceStatus.DeviceNeedsReset : 0), "the device status");
    const cause = this.same(({ pci }) => pci.readBar(ISR_AT, 1), "the interrupt status");
    assertEquals(cause & interrupt, interrupt, "the interrupt status");
    return isBroken ? "broken" : "answered";
  }

  /** The causes of interrupts that the guest wants to hear of, by the used rings as they are now. */
  #wantedInterrupt(expectations: readonly Expectation[]): number {
    const isWanted = this.queues.some((queue) =>
      this.#isInterruptWanted(queue, (this.#after.readU16(queue.usedIndex) - queue.done) & 0xffff)
    );
    const isNewlyBroken = this.#brokenQueues.size === 0 && expectations.some(({ error }) => error !== 0);
    return (isWanted ? InterruptStatus.Queue : 0) | (isNewlyBroken ? InterruptStatus.Config : 0);
  }

  #isInterruptWanted(queue: FuzzQueue, completed: number): boolean {
    if (completed === 0) return false;
    if (!hasFeature(this.#features, VirtioFeature.EventIdx)) {
      return (this.image.readU16(queue.available) & VIRTQ_AVAIL_F_NO_INTERRUPT) === 0;
    }
    return ((this.image.readU16(queue.usedEvent) - queue.done) & 0xffff) < completed;
  }

  #accept(guestAddress: number, bytes: number): void {
    const at = imageOffsetOf(guestAddress);
    this.image.bytes.set(this.#after.bytes.subarray(at, at + bytes), at);
  }

  #acceptPieces(pieces: readonly Piece[], bytes: number): void {
    let left = bytes;
    for (const { offset, length } of pieces) {
      const part = Math.min(length, left);
      this.image.bytes.set(this.#after.bytes.subarray(offset, offset + part), offset);
      left -= part;
    }
  }
}
