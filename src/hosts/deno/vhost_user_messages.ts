/** What the two threads of a vhost-user back end tell each other. The Worker blocks: each message to it comes with a wake-up. */

import type { OutputOptions } from "../../device/output.ts";
import type { ShownScreen } from "../../display/shown_screens.ts";
import type { RendererSetup } from "./served_renderer.ts";

/** What a guest can make the device spend unless told otherwise. */
export const DEFAULT_HOST_MEMORY_BYTES: number = 512 * 1024 * 1024;

/** What the device is made with. */
export interface DeviceSettings {
  /** The monitors that the guest finds, 1 to 16. */
  readonly outputs?: readonly OutputOptions[];
  /** Offers BLOB_ALIGNMENT with this value. */
  readonly blobAlignment?: number;
  /** Bytes of host memory that the guest can make the device spend. */
  readonly hostMemoryBytes?: number;
  /**
   * Bytes of the window in which the guest sees host blobs, a power of two from 4096 to 2^31: what they and the guest can
   * make it take in all, besides `hostMemoryBytes`. Without it no host blob can be mapped. With a renderer only.
   */
  readonly hostVisibleBytes?: number;
  /** Whether the front end's display socket stays silent; false when absent. */
  readonly headless?: boolean;
  /** Whether commands that are wrong are reported. */
  readonly reportsGuestErrors?: boolean;
}

/** What the Worker needs to begin. File descriptors belong to the process; the Worker closes the socket's. */
export interface WorkerStart {
  readonly kind: "start";
  /** The one memory, shared, for guest RAM and the device. */
  readonly memory: WebAssembly.Memory;
  /** Of `SharedScreens`. */
  readonly screens: SharedArrayBuffer;
  /** A socket that listens, or one that a front end is connected to. */
  readonly socketFd: number;
  readonly isListening: boolean;
  /** The eventfd of the wake-ups: it counts the messages that were sent after this one. */
  readonly wakeFd: number;
  /** Whether it waits for another front end when one has gone; for a socket that listens. */
  readonly isKept: boolean;
  readonly requiresSeals: boolean;
  readonly device: DeviceSettings;
  /** The renderer on the main thread; undefined when there is none. */
  readonly renderer: RendererSetup | undefined;
}

/** What a scanout shows now. */
export interface Screenshot extends ShownScreen {
  /** The number of the guest's resource that it shows. */
  readonly resourceId: number;
}

/** What the main thread tells the Worker. */
export type ToWorker =
  | WorkerStart
  /** Asks for a screenshot, which comes with the same number. */
  | { readonly kind: "screenshot"; readonly requestId: number; readonly scanoutId: number }
  /** Ends: the Worker lets go of everything. */
  | { readonly kind: "stop" };

/** A sentence for whoever runs the back end: what happens, or what is wrong with a front end or a guest. */
export interface Report {
  readonly level: "info" | "warning";
  readonly text: string;
}

/** What the Worker tells the main thread. */
export type FromWorker =
  /** It waits for front ends. */
  | { readonly kind: "ready" }
  | { readonly kind: "report"; readonly report: Report }
  /** A scanout's size has changed: look into `SharedScreens`. */
  | { readonly kind: "screens" }
  | { readonly kind: "screenshot"; readonly requestId: number; readonly screenshot: Screenshot | undefined }
  /** It is the last message; `error` says why, when it is a failure. */
  | { readonly kind: "ended"; readonly error?: string };
