/** What is used of v86's CPU here. The release keeps these names, but promises none. */
interface ClockedCpu {
  readonly current_tsc: ArrayLike<number>;
  store_current_tsc(): void;
  set_tsc(low: number, high: number): void;
}

/** The part of v86's public class that restores. */
interface Restorable {
  restore_state(state: ArrayBuffer): Promise<void>;
}

/**
 * Lets the guest's clock go on after every restore. v86 0.5.462 sets its time stamp counter as if it had counted from the
 * page's start; after an earlier restore it has not, so that the counter lands in the guest's past, by as much as that state
 * was old, and the guest waits until it has caught up. A counter that is set to what it says counts from the page's start.
 */
export function correctClockAtRestore(emulator: object): void {
  const { cpu } = (emulator as { v86: { cpu: ClockedCpu } }).v86;
  const machine = emulator as Restorable;
  const restore = machine.restore_state;
  machine.restore_state = (state) => {
    cpu.store_current_tsc();
    cpu.set_tsc(cpu.current_tsc[0]!, cpu.current_tsc[1]!);
    return restore.call(machine, state);
  };
}
