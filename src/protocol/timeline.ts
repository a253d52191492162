/** No fence: a `slot` for which `RendererHost.fenceDone` is not called. */
export const NO_FENCE = 0;

/** The timeline that belongs to no ring of a context: a `ringIndex`. */
export const NO_RING: number = -1;
