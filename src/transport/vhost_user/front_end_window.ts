import type { SharedMemoryRegion } from "../../virtio/virtio_device.ts";
import type { BackEndChannel } from "./back_end_channel.ts";
import type { SharedMemoryWindow } from "./host.ts";
import { BackEndRequest, SHMEM_MAPPING_SIZE, ShmemFlag, writeShmemMapping } from "./vhost_user.gen.ts";

/**
 * - `"empty"`: the front end shows nothing.
 * - `"asked"`: it was asked, and has not answered.
 * - `"shown"`: it shows the file.
 * - `"refused"`: it has said that it does not; to be told to who asked.
 */
type State = "empty" | "asked" | "shown" | "refused";

/**
 * A file that a front end shows to its guest in one of the device's shared memory regions: all of it at once, since each
 * request costs QEMU a new table of memory regions, of which there are few. The front end drops it when it resets the
 * device, and does not say so. The clause is vhost-user, Back-end message types (SHMEM_MAP).
 */
export class FrontEndWindow implements SharedMemoryWindow {
  onAnswer: (() => void) | undefined;
  readonly #region: SharedMemoryRegion;
  readonly #channel: BackEndChannel;
  readonly #isOffered: () => boolean;
  readonly #payload = new Uint32Array(SHMEM_MAPPING_SIZE / 4);
  #state: State = "empty";
  #isAwaited = false;
  #isDropped = false;

  /** Shows nothing in `region` yet. `isOffered` tells whether the front end has agreed on all that it takes to ask. */
  constructor(region: SharedMemoryRegion, channel: BackEndChannel, isOffered: () => boolean) {
    this.#region = region;
    this.#channel = channel;
    this.#isOffered = isOffered;
  }

  show(fd: number): "shown" | "asked" | "refused" {
    if (this.#state === "empty") this.#ask(fd);
    const state = this.#state;
    this.#isAwaited = state === "asked";
    if (state === "asked" || state === "shown") return state;
    this.#state = "empty"; // the next one asks again
    return "refused";
  }

  reset(): void {
    if (this.#state === "refused" || this.#isDropped) this.#state = "empty";
    this.#isAwaited = false;
    this.#isDropped = false;
  }

  /**
   * The front end may reset the device as soon as it hears on: what it shows by now is gone then. What it has not answered
   * yet, it does afterwards, and shows to the next driver.
   */
  stop(): void {
    this.#channel.read();
    this.#isDropped = this.#state === "shown";
  }

  #ask(fd: number): void {
    const { id: regionId, lengthBytes: sizeBytes } = this.#region;
    const mapping = { regionId, fileOffset: 0, regionOffset: 0, sizeBytes, flags: ShmemFlag.MapRw };
    writeShmemMapping(this.#payload, 0, mapping);
    const isAsked = this.#isOffered() &&
      this.#channel.ask(BackEndRequest.ShmemMap, this.#payload, fd, (isDone) => this.#hear(isDone));
    if (isAsked) this.#state = "asked";
  }

  #hear(isDone: boolean): void {
    this.#state = isDone ? "shown" : this.#isAwaited ? "refused" : "empty";
    this.onAnswer?.();
  }
}
