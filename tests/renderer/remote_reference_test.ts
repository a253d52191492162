import { RemoteRenderer } from "../../src/renderer/remote/remote_renderer.ts";
import { RendererServer } from "../../src/renderer/remote/renderer_server.ts";
import { ReferenceRenderer } from "../support/renderer/reference_renderer.ts";
import { makeRendererHost } from "../support/renderer/renderer_host.ts";
import { SteppedRenderer } from "../support/renderer/stepped_renderer.ts";
import { testReferenceRenderer } from "./renderer_contract.ts";

testReferenceRenderer("ReferenceRenderer behind RemoteRenderer", async (options, limitBytes) => {
  const host = await makeRendererHost(limitBytes, true);
  const reference = new ReferenceRenderer(options);
  const tell = () => queueMicrotask(() => renderer.step()); // what a host does when the renderer's timers ring
  const server = await RendererServer.create(host.memory, reference, { tell });
  const renderer = new SteppedRenderer(new RemoteRenderer(server.connection), server);
  renderer.start(host);
  return { host, renderer, reference, step: () => renderer.step() };
});
