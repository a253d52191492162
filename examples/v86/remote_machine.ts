import type { Picture } from "../../src/display/memory_display.ts";
import type {
  AnyCanvas,
  CallName,
  MachineCalls,
  MachineEvent,
  Monitor,
  PointerPlace,
  StartOptions,
} from "./machine_calls.ts";

/** What the page sends to the Worker. */
export interface Call {
  readonly id: number;
  readonly name: CallName;
  readonly args: unknown[];
}

/** What the Worker sends to the page. */
export type Answer =
  | { readonly event: MachineEvent }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };

/** A machine in a Worker. */
export class RemoteMachine implements MachineCalls {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #calls = 0;

  /** The Worker runs machine_worker.ts; `onEvent` hears what its machine tells. */
  constructor(worker: Worker, onEvent: (event: MachineEvent) => void) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      if ("event" in data) return onEvent(data.event);
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ("error" in data) waiting?.reject(new Error(data.error));
      else waiting?.resolve(data.result);
    };
    worker.onerror = ({ message }) => onEvent({ type: "failed", message: message ?? "The Worker did not start" });
  }

  async start(options: StartOptions): Promise<void> {
    const { vga, screens } = options.canvases;
    await this.#call("start", [options], [vga, ...screens] as OffscreenCanvas[]);
  }

  sendKeys(codes: readonly number[]): void {
    void this.#call("sendKeys", [codes]);
  }

  movePointer(place: PointerPlace | undefined, right: number, down: number): void {
    void this.#call("movePointer", [place, right, down]);
  }

  pressButtons(left: boolean, middle: boolean, right: boolean): void {
    void this.#call("pressButtons", [left, middle, right]);
  }

  turnWheel(steps: number): void {
    void this.#call("turnWheel", [steps]);
  }

  lockPointer(isLocked: boolean): void {
    void this.#call("lockPointer", [isLocked]);
  }

  setMonitor(index: number, monitor: Monitor): void {
    void this.#call("setMonitor", [index, monitor]);
  }

  async setRunning(isRunning: boolean): Promise<void> {
    await this.#call("setRunning", [isRunning]);
  }

  async reset(): Promise<void> {
    await this.#call("reset", []);
  }

  async save(): Promise<ArrayBuffer> {
    return await this.#call("save", []) as ArrayBuffer;
  }

  async restore(file: ArrayBuffer): Promise<void> {
    await this.#call("restore", [file]); // a copy: the page may keep it and restore it again
  }

  takeCanvases(canvases: readonly AnyCanvas[]): void {
    void this.#call("takeCanvases", [canvases], [...canvases] as OffscreenCanvas[]);
  }

  async runInGuest(command: string): Promise<string> {
    return await this.#call("runInGuest", [command]) as string;
  }

  async picture(monitor: number): Promise<Picture | undefined> {
    return await this.#call("picture", [monitor]) as Picture | undefined;
  }

  #call(name: CallName, args: unknown[], transfer: Transferable[] = []): Promise<unknown> {
    const id = ++this.#calls;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    const call: Call = { id, name, args };
    this.#worker.postMessage(call, transfer);
    return waiting.promise;
  }
}
