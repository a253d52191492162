/**
 * For those who write a renderer, and for hosts that keep one on another thread: the interface, blocks that move, box
 * transfers, and the two sides of a renderer's thread.
 *
 * @module
 */
export { type Capset, NO_FENCE, NO_RING, type Renderer, type RendererHost, type ResourcePicture } from "./renderer.ts";
export { LATER, type Later, type Outcome } from "../protocol/outcome.ts";
export { type Reason } from "../protocol/reasons.ts";
export { type ImageLevel, isBoxInside, transferBoxFromHost, transferBoxToHost } from "./box_transfer.ts";
export { MovableBlock } from "./movable_block.ts";
export { type RendererConnection } from "./remote/connection.ts";
export { RemoteRenderer } from "./remote/remote_renderer.ts";
export { RendererServer, type RendererServerOptions } from "./remote/renderer_server.ts";
export { serveWithAtomics } from "./remote/serve_with_atomics.ts";
