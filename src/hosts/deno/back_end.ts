import { VirtioGpu } from "../../device/virtio_gpu.ts";
import type { Display } from "../../display/display.ts";
import { Displays } from "../../display/displays.ts";
import { ShownScreens } from "../../display/shown_screens.ts";
import { VhostUserGpuDisplay } from "../../display/vhost_user_gpu.ts";
import type { GpuOutput } from "../../display/vhost_user_gpu_outputs.ts";
import { GuestMemory } from "../../memory/guest_memory.ts";
import { growingArena } from "../../memory/host_heap.ts";
import { RemoteRenderer } from "../../renderer/remote/remote_renderer.ts";
import type { Renderer } from "../../renderer/renderer.ts";
import { VhostUserConnection } from "../../transport/vhost_user/connection.ts";
import { Epoll } from "./epoll.ts";
import { Fds } from "./fds.ts";
import { FileWindow } from "./file_window.ts";
import { FrontEndOutputs } from "./front_end_outputs.ts";
import { FrontEndServer } from "./front_end_server.ts";
import { GpuSocket } from "./gpu_socket.ts";
import { Libc } from "./libc.ts";
import { MemoryMap } from "./memory_map.ts";
import { ReportLimit } from "./report_limit.ts";
import { SharedScreens } from "./shared_screens.ts";
import { FdVhostUserHost } from "./vhost_user_host.ts";
import {
  DEFAULT_HOST_MEMORY_BYTES,
  type DeviceSettings,
  type FromWorker,
  type Report,
  type Screenshot,
  type WorkerStart,
} from "./vhost_user_messages.ts";
import { WatchedDisplay } from "./watched_display.ts";

/** The monitor of a back end that was told of none: QEMU's. */
const DEFAULT_OUTPUTS = [{ widthPixels: 1280, heightPixels: 800 }];
/** For the device's fixed blocks, and for the copy of a screen that is made when it is asked for. */
const DISPLAY_MEMORY_BYTES = 320 * 1024 * 1024;
const REPORTS_PER_SECOND = 20;
const CONTROL_QUEUE = 0;

/** Everything of a vhost-user back end that runs on one thread: sockets, rings, the device and its display. */
export class BackEnd {
  readonly #libc = new Libc();
  readonly #fds = new Fds(this.#libc);
  readonly #epoll = new Epoll(this.#libc);
  readonly #shown = new ShownScreens();
  readonly #gpu: VirtioGpu;
  readonly #gpuSocket: GpuSocket;
  readonly #memoryMap: MemoryMap;
  readonly #window: FileWindow | undefined;
  readonly #reports: ReportLimit;
  readonly #host: FdVhostUserHost;
  readonly #server: FrontEndServer;
  readonly #outputs: FrontEndOutputs;
  readonly #isKept: boolean;
  #wakeUps = 0;

  /**
   * Makes the device in `start.memory`, opens the C library and serves the socket; `tell` takes what the other thread has to
   * know. Throws `Error` where the C library cannot be called, and `RangeError` for device settings out of range.
   */
  static async create(start: WorkerStart, tell: (message: FromWorker) => void): Promise<BackEnd> {
    const { memory, device: { hostMemoryBytes = DEFAULT_HOST_MEMORY_BYTES } } = start;
    const heap = growingArena(memory, hostMemoryBytes + DISPLAY_MEMORY_BYTES);
    return new BackEnd(start, await GuestMemory.create(memory, heap, []), tell);
  }

  private constructor(start: WorkerStart, guest: GuestMemory, tell: (message: FromWorker) => void) {
    const screens = new SharedScreens(start.screens);
    const { outputs = DEFAULT_OUTPUTS, headless = false } = start.device;
    const onOutputs = (wanted: readonly GpuOutput[] | undefined) => this.#hearOutputs(wanted);
    const gpuDisplay = headless ? undefined : new VhostUserGpuDisplay(guest, onOutputs);
    const displays = new Displays(gpuDisplay === undefined ? [this.#shown] : [this.#shown, gpuDisplay]);
    const display = new WatchedDisplay(displays, screens, () => tell({ kind: "screens" }));
    this.#reports = new ReportLimit(REPORTS_PER_SECOND, (report) => tell({ kind: "report", report }));
    const report = (report: Report) => this.#reports.report(report);
    const settings = { ...start.device, outputs };
    const areOutputsKnown = () => gpuDisplay?.areOutputsKnown() ?? true;
    this.#memoryMap = this.#makeMemoryMap(start, report);
    const renderer = start.renderer && new RemoteRenderer(start.renderer.connection);
    this.#window = this.#makeWindow(start, renderer, report);
    const gpu = makeDevice(guest, settings, { display, areOutputsKnown, report, renderer, window: this.#window });
    this.#gpu = gpu;
    this.#outputs = new FrontEndOutputs(gpu, outputs);
    this.#gpuSocket = this.#makeGpuSocket(gpuDisplay, report);
    this.#host = this.#makeHost(report);
    this.#server = new FrontEndServer({
      libc: this.#libc,
      fds: this.#fds,
      epoll: this.#epoll,
      connect: () => new VhostUserConnection(gpu, guest, this.#host),
      report,
    });
    this.#isKept = start.isKept;
    this.#serve(start, renderer);
  }

  /**
   * Serves until another thread wakes this one up, and returns how many wake-ups there were; 0 when the front end has gone
   * and none is waited for. Blocks all the time.
   */
  run(): number {
    this.#wakeUps = 0;
    while (this.#wakeUps === 0 && (this.#isKept || this.#server.isWanted)) {
      this.#epoll.wait(this.#host.hasWork ? 0 : this.#gpuSocket.waitMilliseconds());
      this.#host.workOnce();
    }
    return this.#wakeUps;
  }

  /** What scanout `scanoutId`, 0 to 15, shows now; undefined when that is nothing. */
  screenshot(scanoutId: number): Screenshot | undefined {
    const shown = this.#shown.look(scanoutId);
    return shown && { ...shown, resourceId: this.#gpu.shownResource(scanoutId) ?? 0 };
  }

  /** Sends the front end away, closes the sockets, and takes guest memory out of the memory. */
  close(): void {
    this.#server.close();
    this.#epoll.close();
  }

  #makeGpuSocket(display: VhostUserGpuDisplay | undefined, report: (report: Report) => void): GpuSocket {
    return new GpuSocket({
      libc: this.#libc,
      fds: this.#fds,
      epoll: this.#epoll,
      display,
      report: (text) => report({ level: "warning", text }),
      resume: () => this.#host.workLeft(CONTROL_QUEUE),
    });
  }

  /** The front end has said what its monitors are: the guest may have asked. */
  #hearOutputs(wanted: readonly GpuOutput[] | undefined): void {
    this.#outputs.set(wanted);
    this.#host.workLeft(CONTROL_QUEUE);
  }

  #makeMemoryMap({ memory, requiresSeals }: WorkerStart, report: (report: Report) => void): MemoryMap {
    const warn = (text: string) => report({ level: "warning", text });
    return new MemoryMap(this.#libc, this.#fds, memory, { requiresSeals, warn });
  }

  #makeWindow(
    { memory, device: { hostVisibleBytes } }: WorkerStart,
    renderer: RemoteRenderer | undefined,
    report: (report: Report) => void,
  ): FileWindow | undefined {
    if (hostVisibleBytes === undefined) return undefined;
    const parts = { libc: this.#libc, fds: this.#fds, memory, memoryMap: this.#memoryMap };
    const isAtRest = () => renderer?.isAtRest ?? true;
    return new FileWindow(
      { ...parts, isAtRest, report: (text) => report({ level: "warning", text }) },
      hostVisibleBytes,
    );
  }

  #makeHost(report: (report: Report) => void): FdVhostUserHost {
    return new FdVhostUserHost({
      libc: this.#libc,
      fds: this.#fds,
      epoll: this.#epoll,
      memoryMap: this.#memoryMap,
      gpuSocket: this.#gpuSocket,
      window: this.#window,
      report: (text) => report({ level: "warning", text }),
      notify: (queue) => this.#server.notify(queue),
    });
  }

  #serve({ socketFd, isListening, wakeFd, renderer: setup }: WorkerStart, renderer: RemoteRenderer | undefined): void {
    this.#epoll.watch(wakeFd, { toRead: true }, () => this.#wakeUps += this.#fds.takeCount(wakeFd));
    if (setup !== undefined && renderer !== undefined) this.#hearRenderer(setup.bellFd, renderer);
    if (isListening) this.#server.listen(socketFd);
    else this.#server.serve(socketFd);
  }

  #hearRenderer(bellFd: number, renderer: RemoteRenderer): void {
    this.#epoll.watch(bellFd, { toRead: true }, () => {
      this.#fds.takeCount(bellFd);
      renderer.poll();
      this.#window?.giveBack();
    });
  }
}

/** What a device is connected to. */
interface Surroundings {
  readonly display: Display;
  readonly areOutputsKnown: () => boolean;
  readonly report: (report: Report) => void;
  readonly renderer: Renderer | undefined;
  readonly window: FileWindow | undefined;
}

function makeDevice(guest: GuestMemory, settings: DeviceSettings, surroundings: Surroundings): VirtioGpu {
  const { display, areOutputsKnown, report, renderer, window } = surroundings;
  const { outputs, blobAlignment, hostMemoryBytes = DEFAULT_HOST_MEMORY_BYTES, reportsGuestErrors } = settings;
  return new VirtioGpu(guest, {
    display,
    areOutputsKnown,
    resourceBlob: true,
    resourceUuid: true,
    limits: { hostMemoryBytes },
    ...(renderer && { renderer }),
    ...(window && { hostVisibleMemory: window }),
    ...(outputs && { outputs }),
    ...(blobAlignment !== undefined && { blobAlignment }),
    ...(reportsGuestErrors && {
      onGuestError: ({ command, reason }) => report({ level: "info", text: `the guest's ${command}: ${reason.text}` }),
    }),
  });
}
