import type { RendererServer } from "./renderer_server.ts";

/** Time after which the thread's event loop has a turn, however busy the renderer is. */
const TURN_MILLISECONDS = 8;

const LONG_MILLISECONDS = 2 ** 30;

/**
 * Serves a renderer from a thread with an event loop until it is closed, whenever its bell rings. Rejects with what the renderer
 * throws. Where there is no `Atomics.waitAsync`, call `RendererServer.serve` by other means.
 */
export async function serveWithAtomics(server: RendererServer): Promise<void> {
  const alive = setInterval(() => {}, LONG_MILLISECONDS); // waiting for a bell alone keeps no event loop going
  try {
    await serveUntilClosed(server);
  } finally {
    clearInterval(alive);
  }
}

async function serveUntilClosed(server: RendererServer): Promise<void> {
  let turnBegan = performance.now();
  while (!server.isClosed) {
    const { bell } = server;
    const isMoreLeft = server.serve();
    const ringing = isMoreLeft || server.isClosed ? undefined : server.nextBell(bell);
    if (ringing !== undefined) await ringing;
    else if (performance.now() - turnBegan < TURN_MILLISECONDS) continue;
    else await new Promise((resolve) => setTimeout(resolve, 0));
    turnBegan = performance.now();
  }
}
