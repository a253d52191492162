import { PlainValue } from "../snapshot/plain_value.ts";
import { decodeSnapshot, encodeSnapshot } from "../snapshot/snapshot_file.ts";
import type { Restoration } from "../virtio/virtio_device.ts";

/** The part of v86's class that saves and restores. */
export interface V86Machine {
  readonly v86: { readonly cpu: V86Clock };
  save_state(): Promise<ArrayBuffer>;
  restore_state(state: ArrayBuffer): Promise<void>;
}

/** v86's time stamp counter; `v86_members.ts` lists what is not promised by v86. */
export interface V86Clock {
  /** The counter as of the last `store_current_tsc`: low word, high word. */
  readonly current_tsc: ArrayLike<number>;
  store_current_tsc(): void;
  set_tsc(low: number, high: number): void;
}

/** What is saved beside v86's own state: a transport. */
export interface Restorable {
  snapshot(): unknown;
  prepareRestore(snapshot: unknown): Restoration;
}

/** Puts v86's state and the device's into one file. Nothing of the guest runs between the two, whether v86 runs or not. */
export async function saveState(machine: V86Machine, transport: Restorable): Promise<ArrayBuffer> {
  const saving = machine.save_state(); // does its work at once
  const device = transport.snapshot();
  return encodeSnapshot({ v86: new Uint8Array(await saving), device }).buffer;
}

/**
 * Restores what `saveState` saved. The device's part is checked before v86 is touched, and taken up after, since the
 * displays show what is in guest memory.
 */
export async function restoreState(machine: V86Machine, transport: Restorable, file: ArrayBuffer): Promise<void> {
  const data = new PlainValue(decodeSnapshot(new Uint8Array(file)), "");
  const state = data.field("v86").bytes().slice().buffer;
  const restoration = transport.prepareRestore(data.field("device").unchecked);
  beginClock(machine.v86.cpu);
  try {
    await machine.restore_state(state);
  } catch (error) {
    restoration.discard();
    throw error;
  }
  restoration.apply();
}

/**
 * Lets the guest's clock go on. v86 0.5.462 sets its time stamp counter as if it had counted from the page's start; after an
 * earlier restore it has not, so that the counter lands in the guest's past, by as much as that state was old, and the guest
 * waits until it has caught up. A counter that is set to what it says counts from the page's start.
 */
function beginClock(cpu: V86Clock): void {
  cpu.store_current_tsc();
  cpu.set_tsc(cpu.current_tsc[0]!, cpu.current_tsc[1]!);
}
