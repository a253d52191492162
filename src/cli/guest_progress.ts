import type { GuestImageProgress } from "../../build/guest/image.ts";
import type { Terminal } from "./terminal.ts";

/** Shows how the Debian guest comes into being as the terminal's status. */
export function showGuestProgress(terminal: Terminal): (progress: GuestImageProgress) => void {
  return ({ step, receivedBytes = 0, totalBytes }) => {
    const amount = totalBytes === undefined ? undefined : `${megabytes(receivedBytes)} of ${megabytes(totalBytes)}`;
    terminal.status(`Debian guest: ${step}`, amount);
  };
}

/** A number of bytes for people, in units of 1,000,000. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
