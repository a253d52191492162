import type { DriverQueue } from "../../../src/guest/driver_queue.ts";
import type { DriverTransport } from "../../../src/guest/driver_transport.ts";
import { FrontEndRequest } from "../../../src/transport/vhost_user/vhost_user.gen.ts";
import type { FrontEnd } from "./front_end.ts";

/**
 * A driver's way to a device through a front end that says over vhost-user whatever the driver says to it: every write of
 * the status, the features when the second word is written, and a queue when it is enabled.
 */
export class VhostDriverTransport implements DriverTransport {
  readonly #frontEnd: FrontEnd;
  readonly #queueSizes: readonly number[];
  readonly #accepted = [0, 0];
  /** The eventfds of each queue, of those that were enabled. */
  readonly eventFds: { kick: number; call: number; error: number }[] = [];

  /** The front end offers queues of these sizes, whatever the device would choose. */
  constructor(frontEnd: FrontEnd, queueSizes: readonly number[]) {
    this.#frontEnd = frontEnd;
    this.#queueSizes = queueSizes;
  }

  readStatus(): number {
    return this.#frontEnd.get(FrontEndRequest.GetStatus);
  }

  writeStatus(status: number): void {
    if (status === 0) this.#queueSizes.forEach((_, index) => this.#frontEnd.stopRing(index));
    this.#frontEnd.sendU64(FrontEndRequest.SetStatus, status);
  }

  readFeatures(select: number): number {
    const features = this.#frontEnd.get(FrontEndRequest.GetFeatures);
    return select === 0 ? (features >>> 0) & ~(1 << 30) : Math.floor(features / 2 ** 32);
  }

  writeFeatures(select: number, features: number): void {
    this.#accepted[select] = features >>> 0;
    if (select === 1) this.#frontEnd.negotiate(this.#accepted[0]!, this.#accepted[1]!);
  }

  readQueueSize(index: number): number {
    return this.#queueSizes[index] ?? 0;
  }

  enableQueue(index: number, queue: DriverQueue): void {
    this.eventFds[index] = this.#frontEnd.startRing(index, queue);
  }

  kick(index: number): void {
    this.#frontEnd.kick(index);
  }

  takeInterrupt(): number {
    return this.#frontEnd.host.signals.splice(0).length;
  }

  readConfig(offset: number, bytes: number): number {
    const outcome = this.#frontEnd.send(FrontEndRequest.GetConfig, configBytes(offset, bytes, 0));
    if (outcome === undefined || "close" in outcome) throw new Error("the configuration cannot be read");
    const padded = new DataView(Uint8Array.of(...outcome.payload, 0, 0, 0).buffer);
    return padded.getUint32(12, true) & (bytes === 4 ? -1 : 2 ** (bytes * 8) - 1);
  }

  writeConfig(offset: number, bytes: number, value: number): void {
    this.#frontEnd.send(FrontEndRequest.SetConfig, configBytes(offset, bytes, value));
  }

  readConfigGeneration(): number {
    return 0; // the front end's own business
  }

  findSharedMemory(): undefined {
    return undefined;
  }
}

function configBytes(offset: number, bytes: number, value: number): Uint8Array {
  const words = Uint32Array.of(offset, bytes, 0, value);
  return new Uint8Array(words.buffer, 0, 12 + bytes);
}
