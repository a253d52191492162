import { PlainValue } from "../snapshot/plain_value.ts";
import { decodeSnapshot, encodeSnapshot } from "../snapshot/snapshot_file.ts";
import type { Restoration } from "../virtio/virtio_device.ts";

/** The part of v86's public class that saves and restores. */
export interface V86Machine {
  save_state(): Promise<ArrayBuffer>;
  restore_state(state: ArrayBuffer): Promise<void>;
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
  try {
    await machine.restore_state(state);
  } catch (error) {
    restoration.discard();
    throw error;
  }
  restoration.apply();
}
