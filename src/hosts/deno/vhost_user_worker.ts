/**
 * The Worker of a vhost-user back end. While it serves, it blocks, and none of its promises and timers runs. Each wake-up
 * stands for one message: it comes back to its event loop to take it, and serves on.
 */

import { BackEnd } from "./back_end.ts";
import type { FromWorker, ToWorker, WorkerStart } from "./vhost_user_messages.ts";

const NAME = "scanout vhost-user";

/** The part of a Worker's scope that is used here; this module is checked as one of the main thread. */
interface WorkerScope {
  readonly name?: string;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker): void;
  close(): void;
}

/** Starts the Worker: this very module, wherever it lies, and whatever it has become there. */
export function startWorker(): Worker {
  return new Worker(import.meta.url, { type: "module", name: NAME });
}

/** The messages of a scope, in their order. */
class Inbox {
  readonly #messages: ToWorker[] = [];
  #onMessage: (() => void) | undefined;

  constructor(scope: WorkerScope) {
    scope.onmessage = ({ data }) => {
      this.#messages.push(data);
      this.#onMessage?.();
    };
  }

  async next(): Promise<ToWorker> {
    while (this.#messages.length === 0) {
      await new Promise<void>((resolve) => this.#onMessage = resolve);
    }
    return this.#messages.shift()!;
  }
}

async function serve(scope: WorkerScope): Promise<void> {
  const inbox = new Inbox(scope);
  const tell = (message: FromWorker) => scope.postMessage(message);
  try {
    const backEnd = await BackEnd.create(await inbox.next() as WorkerStart, tell);
    tell({ kind: "ready" });
    try {
      await work(backEnd, inbox, tell);
    } finally {
      backEnd.close();
    }
    tell({ kind: "ended" });
  } catch (error) {
    tell({ kind: "ended", error: error instanceof Error ? error.stack ?? error.message : String(error) });
  }
  scope.close();
}

/** Serves, and does what each message asks, until one says to stop or the back end is done. */
async function work(backEnd: BackEnd, inbox: Inbox, tell: (message: FromWorker) => void): Promise<void> {
  for (let wakeUps = backEnd.run(); wakeUps > 0; wakeUps = backEnd.run()) {
    for (; wakeUps > 0; wakeUps--) {
      const message = await inbox.next();
      if (message.kind === "stop") return;
      if (message.kind !== "screenshot") continue;
      const { requestId, scanoutId } = message;
      tell({ kind: "screenshot", requestId, screenshot: backEnd.screenshot(scanoutId) });
    }
  }
}

const scope = globalThis as unknown as WorkerScope;
if (scope.name === NAME) serve(scope);
