/** The Worker with the machine in it: answers calls by messages, and sends events. */
import { Machine } from "./machine.ts";
import type { Answer, Call } from "./remote_machine.ts";

/** What a Worker's global object has, as far as it is used here. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<Call>) => void) | null;
  postMessage(answer: Answer, transfer?: Transferable[]): void;
}

const scope = globalThis as unknown as WorkerScope;
const machine = new Machine((event) => scope.postMessage({ event }));

scope.onmessage = async ({ data: { id, name, args } }) => {
  try {
    const call = machine[name] as (...args: unknown[]) => unknown;
    const result = await call.apply(machine, args);
    scope.postMessage({ id, result }, result instanceof ArrayBuffer ? [result] : []);
  } catch (error) {
    scope.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
  }
};

/** Where nobody waits for an answer: v86's own timers, a display. */
function tellFailure(reason: unknown): void {
  scope.postMessage({ event: { type: "failed", message: reason instanceof Error ? reason.message : String(reason) } });
}
addEventListener("error", ({ error, message }) => tellFailure(error ?? message));
addEventListener("unhandledrejection", ({ reason }) => tellFailure(reason));
