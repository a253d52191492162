import { assertEquals } from "@std/assert";
import { CTRL_HDR_SIZE } from "../../../src/protocol/wire.gen.ts";
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
import {
  bytesOf,
  type Expectation,
  expectationOf,
  gather,
  isSameExpectation,
  type OfferedChain,
  referenceRegions,
} from "./expectation.ts";
import { firstDifference } from "./first_difference.ts";
import type { FuzzMachine } from "./fuzz_machine.ts";
import type { FuzzQueue } from "./fuzz_queue.ts";
import { IMAGE_BYTES, imageOffsetOf, type RamPart, ramParts } from "./guest_layout.ts";
import { GuestImage } from "./guest_space.ts";
import { hasOverlap } from "./overlap.ts";
import { checkHeader } from "./reply_check.ts";
import { READY, startDevice } from "./start_device.ts";

/** What a guest made of one kick. */
export type Verdict =
  /** Each chain was answered. */
  | "answered"
  /** A queue was malformed, and the device says that it needs a reset. */
  | "broken"
  /** The guest aimed replies at rings or tables, so nobody can say what it asked for; it has to reset. */
  | "undefined";

const BROKEN: Expectation = { chains: [], error: -1 };

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

  /** Drives these machines, whose devices have the same limits. */
  constructor(machines: readonly FuzzMachine[]) {
    this.#machines = machines;
  }

  /** Resets the devices and starts them with these features, which may be any set with VERSION_1, and these queues. */
  start(features: FeatureSet, queues: readonly FuzzQueue[]): void {
    this.queues = queues;
    this.#features = features;
    this.#brokenQueues.clear();
    for (const machine of this.#machines) {
      machine.pci.reset();
      startDevice(machine.pci, features, queues);
      machine.poisonScratch();
    }
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
   * Kicks all queues and checks what became of what the image holds: to the byte, unless replies are aimed at each other, at
   * requests or at rings. Throws where the device did something that it must not.
   */
  run(): Verdict {
    const regions = referenceRegions(this.#parts);
    const expectations = this.#expect(this.image, regions);
    const isPrecise = !hasOverlap(this.queues, expectations.flatMap(({ chains }) => chains));
    const interrupt = this.#wantedInterrupt(expectations);
    this.forEachMachine((machine) => machine.load(this.image.bytes));
    this.forEachMachine((machine) => this.#kick(machine));
    this.#collect();
    const after = this.#expect(this.#after, regions);
    if (!after.every((expectation, index) => isSameExpectation(expectation, expectations[index]!))) return "undefined";

    for (const [index, queue] of this.queues.entries()) this.#checkQueue(queue, expectations[index]!, isPrecise);
    assertEquals(
      firstDifference(this.image.bytes, this.#after.bytes),
      -1,
      "a byte of RAM changed that was not offered",
    );
    return this.#checkStatus(expectations, isPrecise ? interrupt : 0);
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
  #checkQueue(queue: FuzzQueue, { chains, error }: Expectation, isPrecise: boolean): void {
    const hasEventIdx = hasFeature(this.#features, VirtioFeature.EventIdx);
    if (hasEventIdx) this.#accept(queue.availableEvent, 2);
    if (isPrecise) chains.forEach((chain, index) => this.#checkAnswer(queue, chain, queue.done + index));
    else for (const chain of chains) this.#acceptPieces(chain.writable, Infinity);
    if (!isPrecise) this.#accept(queue.used, queue.usedBytes);
    if (chains.length > 0) this.#accept(queue.usedIndex, 2);
    queue.done = (queue.done + chains.length) & 0xffff;
    if (isPrecise) assertEquals(this.#after.readU16(queue.usedIndex), queue.done, "the index of the used ring");
    if (error !== 0) this.#brokenQueues.add(queue);
  }

  #checkAnswer(queue: FuzzQueue, chain: OfferedChain, index: number): void {
    const element = queue.usedElement(index);
    this.#accept(element, VIRTQ_USED_ELEM_SIZE);
    assertEquals(this.#after.readU32(element), chain.head, "the head in the used ring");
    const length = this.#after.readU32(element + 4);
    const request = gather(this.image.bytes, chain.readable, CTRL_HDR_SIZE);
    this.#acceptPieces(chain.writable, length);
    if (bytesOf(chain.writable) < CTRL_HDR_SIZE) return assertEquals(length, 0, "the length of a reply without room");
    checkHeader(request, gather(this.#after.bytes, chain.writable, CTRL_HDR_SIZE), length);
  }

  #checkStatus(expectations: readonly Expectation[], interrupt: number): Verdict {
    const isBroken = expectations.some(({ error }) => error !== 0);
    const status = this.same(({ pci }) => pci.readBar(CommonCfg.DeviceStatus, 1), "the device status");
    assertEquals(status, READY | (isBroken ? DeviceStatus.DeviceNeedsReset : 0), "the device status");
    const cause = this.same(({ pci }) => pci.readBar(ISR_AT, 1), "the interrupt status");
    assertEquals(cause & interrupt, interrupt, "the interrupt status");
    return isBroken ? "broken" : "answered";
  }

  /** The causes of interrupts that the guest wants to hear of. */
  #wantedInterrupt(expectations: readonly Expectation[]): number {
    const isWanted = this.queues.some((queue, index) =>
      this.#isInterruptWanted(queue, expectations[index]!.chains.length)
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
