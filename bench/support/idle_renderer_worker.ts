/** A Worker that serves an idle renderer over the memory that it is sent. */

import { RendererServer } from "../../src/renderer/remote/renderer_server.ts";
import { serveWithAtomics } from "../../src/renderer/remote/serve_with_atomics.ts";
import { IdleRenderer } from "./idle_renderer.ts";

const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<WebAssembly.Memory>) => void) | null;
  postMessage(message: unknown): void;
};

scope.onmessage = async ({ data: memory }) => {
  const server = await RendererServer.create(memory, new IdleRenderer(true));
  scope.postMessage(server.connection);
  await serveWithAtomics(server);
};
