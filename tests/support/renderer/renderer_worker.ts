/** A Worker that serves the reference renderer. */

import { RendererServer } from "../../../src/renderer/remote/renderer_server.ts";
import { serveWithAtomics } from "../../../src/renderer/remote/serve_with_atomics.ts";
import { ReferenceRenderer } from "./reference_renderer.ts";

const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<WebAssembly.Memory | "close">) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
};

let server: RendererServer | undefined;

scope.onmessage = async ({ data }) => {
  if (data === "close") return server?.close();
  server = await RendererServer.create(data, new ReferenceRenderer());
  scope.postMessage(server.connection);
  await serveWithAtomics(server);
  scope.close();
};
