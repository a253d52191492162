import { GpuDriver } from "../../../src/guest/gpu_driver.ts";
import { Fds } from "../../../src/hosts/deno/fds.ts";
import { Libc } from "../../../src/hosts/deno/libc.ts";
import { GuestWindow } from "./guest_window.ts";
import { FrontEndSocket } from "./front_end_socket.ts";
import { type RamRegion, SharedRam } from "./shared_ram.ts";
import { VhostDriverTransport } from "./vhost_driver_transport.ts";
import { VhostFrontEnd } from "./vhost_front_end.ts";

/** How a machine differs from the usual one. */
export interface FrontEndMachineOptions {
  /** Guest RAM; one region of 64 MiB when absent. */
  readonly regions?: readonly RamRegion[];
  /** Where the driver's own data begins in guest RAM. */
  readonly firstFree?: number;
  /** The protocol features that the front end wants; all of the back end's when absent. */
  readonly protocolFeatures?: number | "none";
}

const WINDOW_ID = 1;
const REGIONS = [{ guestAddress: 0, sizeBytes: 64 * 1024 * 1024 }];

/** A machine without a processor, as QEMU would have it: RAM, a front end that is connected, and the guest's driver. */
export class FrontEndMachine {
  readonly libc = new Libc();
  readonly fds = new Fds(this.libc);
  readonly ram: SharedRam;
  readonly frontEnd: VhostFrontEnd;
  readonly transport: VhostDriverTransport;
  readonly driver: GpuDriver;
  /** What the guest has of the host visible memory; undefined when the back end has none, or was not told of a channel. */
  readonly window: GuestWindow | undefined;

  /** Connects to the back end at `path`; the driver has not started. */
  constructor(path: string, { regions = REGIONS, firstFree, protocolFeatures }: FrontEndMachineOptions = {}) {
    this.ram = new SharedRam(this.libc, regions, firstFree);
    this.frontEnd = new VhostFrontEnd(FrontEndSocket.connect(this.libc, path));
    this.frontEnd.introduce(protocolFeatures);
    this.window = this.#makeWindow();
    this.transport = new VhostDriverTransport(this.libc, this.fds, this.frontEnd, this.ram, this.window);
    this.driver = new GpuDriver(this.transport, this.ram.guest);
  }

  /** Goes away without a word, as a front end that was killed. */
  close(): void {
    this.frontEnd.socket.close();
    this.transport.close();
    this.window?.close();
    this.ram.close();
    this.libc.close();
  }

  #makeWindow(): GuestWindow | undefined {
    const lengthBytes = this.frontEnd.sharedMemory()[WINDOW_ID] ?? 0;
    if (lengthBytes === 0) return undefined;
    const window = new GuestWindow(this.libc, lengthBytes);
    this.frontEnd.setBackEndChannel(window.backEndFd);
    this.fds.close(window.backEndFd);
    return window;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
