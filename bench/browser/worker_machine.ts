import type { CallName, DrawRun, MeasuredMachine, Readings, Way } from "./machine_calls.ts";
import type { Answer, CallMessage, StartMessage } from "./machine_worker.ts";

/** A machine in a Worker of its own, which runs machine_worker.ts. One call at a time. */
export class WorkerMachine implements MeasuredMachine {
  readonly #worker = new Worker(new URL("machine_worker.js", location.href), { type: "module" });

  private constructor() {}

  /** Gives the canvas to the Worker; otherwise as `Machine.start`. */
  static async start(way: Way, canvas: OffscreenCanvas, files: string): Promise<WorkerMachine> {
    const machine = new WorkerMachine();
    await machine.#ask({ way, canvas, files }, [canvas]);
    return machine;
  }

  async draw(kind: string, milliseconds: number): Promise<DrawRun> {
    return await this.#call("draw", [kind, milliseconds]) as DrawRun;
  }

  async begin(kind: string): Promise<void> {
    await this.#call("begin", [kind]);
  }

  async end(): Promise<void> {
    await this.#call("end", []);
  }

  async readings(): Promise<Readings> {
    return await this.#call("readings", []) as Readings;
  }

  #call(name: CallName, args: readonly unknown[]): Promise<unknown> {
    return this.#ask({ name, args });
  }

  #ask(message: StartMessage | CallMessage, transfer: Transferable[] = []): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => {
        if ("error" in data) reject(new Error(data.error));
        else resolve(data.result);
      };
      this.#worker.onerror = ({ message }) => reject(new Error(message ?? "The Worker did not start"));
      this.#worker.postMessage(message, transfer);
    });
  }
}
