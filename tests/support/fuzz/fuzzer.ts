import { assertEquals } from "@std/assert";
import type { Limits } from "../../../src/device/limits.ts";
import type { ModelLimits } from "./command_verdict.ts";
import { DeviceModel } from "./device_model.ts";
import { FuzzGuest, type FuzzLimits } from "./fuzz_guest.ts";
import { FuzzMachine } from "./fuzz_machine.ts";
import { FuzzSession, type Verdict } from "./fuzz_session.ts";
import { WINDOW_BYTES } from "./guest_layout.ts";

/** What a run of the fuzzer did. */
export interface FuzzSummary {
  /** Chains that guests made available. */
  commands: number;
  /** Commands that the device carried out. */
  accepted: number;
  /** How many guests ended how. */
  ends: Record<Verdict, number>;
}

/** Small, so that guests run into them. */
const LIMITS: Partial<Limits> & FuzzLimits & ModelLimits = {
  hostMemoryBytes: 512 * 1024,
  resources: 24,
  contexts: 4,
  submitBytes: 64,
  fencesInFlight: 12,
  windowBytes: WINDOW_BYTES,
  pageEntries: 512,
  pageSegments: 520,
  workBytesPerNotify: 32 * 1024,
};

/** Throws guests of any kind at two devices, one on unshared and one on shared memory, which held other bytes before. */
export class Fuzzer {
  readonly #session: FuzzSession;
  readonly #summary: FuzzSummary = {
    commands: 0,
    accepted: 0,
    ends: { answered: 0, broken: 0, left: 0, undefined: 0 },
  };

  private constructor(session: FuzzSession) {
    this.#session = session;
  }

  /** Makes the devices. */
  static async make(): Promise<Fuzzer> {
    const kinds = [{ isShared: false, poison: 0x5a }, { isShared: true, poison: 0xe7 }];
    const { windowBytes: _, ...limits } = LIMITS;
    const machines = await Promise.all(kinds.map((kind) => FuzzMachine.make(kind, limits)));
    return new Fuzzer(new FuzzSession(machines, new DeviceModel(LIMITS)));
  }

  /**
   * Runs guests until they have sent `commands` commands. What goes wrong throws an error that tells the guest's seed: a run
   * that begins with that seed begins with that guest.
   */
  run(commands: number, seed: number): FuzzSummary {
    for (let guest = 0; this.#summary.commands < commands; guest++) {
      const guestSeed = (seed + Math.imul(guest, 0x9e3779b1)) >>> 0;
      try {
        this.#runGuest(guestSeed);
      } catch (error) {
        throw new Error(`The guest with SCANOUT_FUZZ_SEED=${guestSeed} found a fault`, { cause: error });
      }
    }
    return this.#summary;
  }

  #runGuest(seed: number): void {
    const session = this.#session;
    session.reset();
    const emptyBytes = session.same(({ heap }) => heap.usedBytes, "the heap in use");
    const before = session.same(({ gpu }) => gpu.counters.commands - gpu.counters.errors, "the commands accepted");
    const { commands, end } = new FuzzGuest(session, LIMITS, seed).live();
    const after = session.same(({ gpu }) => gpu.counters.commands - gpu.counters.errors, "the commands accepted");
    session.reset();
    session.forEachMachine((machine) => machine.checkGuards());
    assertEquals(session.same(({ heap }) => heap.usedBytes, "the heap in use"), emptyBytes, "the heap after a reset");
    assertEquals(session.same((machine) => machine.accountedBytes, "the account"), 0, "the account after a reset");
    this.#summary.commands += commands;
    this.#summary.accepted += after - before;
    this.#summary.ends[end]++;
  }
}
