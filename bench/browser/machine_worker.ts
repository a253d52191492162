/** The Worker with a machine in it: starts it with its first message, and answers calls with the others. */
import { countCanvasWork } from "./canvas_work.ts";
import { Machine } from "./machine.ts";
import type { CallName, Way } from "./machine_calls.ts";

/** The first message. */
export interface StartMessage {
  readonly way: Way;
  readonly canvas: OffscreenCanvas;
  readonly files: string;
}

/** Every other message. */
export interface CallMessage {
  readonly name: CallName;
  readonly args: readonly unknown[];
}

/** What comes back for each message; the result of the first one is undefined. */
export type Answer = { readonly result: unknown } | { readonly error: string };

interface WorkerScope {
  onmessage: ((event: MessageEvent<StartMessage | CallMessage>) => void) | null;
  postMessage(answer: Answer): void;
}

const canvasWork = countCanvasWork();
const scope = globalThis as unknown as WorkerScope;
let machine: Machine | undefined;

async function answer(message: StartMessage | CallMessage): Promise<unknown> {
  if ("name" in message) {
    const call = machine![message.name] as (...args: readonly unknown[]) => Promise<unknown>;
    return await call.apply(machine, [...message.args]);
  }
  const { way, canvas, files } = message;
  machine = await Machine.start(way, { canvas }, files, canvasWork);
  return undefined;
}

scope.onmessage = async ({ data }) => {
  try {
    scope.postMessage({ result: await answer(data) });
  } catch (error) {
    scope.postMessage({ error: error instanceof Error ? error.message : String(error) });
  }
};
