import { ResponseType } from "./wire.gen.ts";

/** Why a command was not answered with OK: the wire code that the guest sees, and what its author wants to know. */
export interface Reason {
  /** The response type on the wire. */
  readonly response: ResponseType;
  /** What was wrong, as a sentence without a full stop. */
  readonly text: string;
  /** The clause that asks for something else, or that our contract interprets. */
  readonly clause: string;
}

/**
 * Every reason for an answer that is not OK. Handlers return one of these; the response code follows from it, so the two
 * cannot disagree. Virtio 1.4, 5.7.6.7 names the codes and leaves their use to the device.
 */
export const Reasons = {
  // Framing
  headerTooShort: unspecified("the request is shorter than its 24-byte header", "Virtio 1.4, 5.7.6.7"),
  commandTooShort: unspecified("the request is shorter than the command's structure", "Virtio 1.4, 5.7.6.7"),
  commandUnknown: unspecified("the device knows no command of this type", "Virtio 1.4, 5.7.6.7"),
  responseTooLong: unspecified("the writable part has no room for the response", "Virtio 1.4, 5.7.6.7"),
  wrongQueue: unspecified("the command belongs to the other queue", "Virtio 1.4, 5.7.2"),
  featureMissing: unspecified("the command's feature was not negotiated", "Virtio 1.4, 5.7.3"),
  blobFeatureMissing: invalid("VIRTIO_GPU_F_RESOURCE_BLOB was not negotiated", "Virtio 1.4, 5.7.3"),

  // Ids
  scanoutUnknown: reason(ResponseType.ErrInvalidScanoutId, "there is no such scanout", "Virtio 1.4, 5.7.4"),
  resourceIdZero: resource("resource id 0 is reserved", "Virtio 1.4, 5.7.6.8"),
  resourceIdInUse: resource("the resource id is in use", "Virtio 1.4, 5.7.6.8"),
  resourceUnknown: resource("there is no such resource", "Virtio 1.4, 5.7.6.8"),

  contextIdZero: context("context id 0 is reserved", "Virtio 1.4, 5.7.6.9"),
  contextIdInUse: context("the context id is in use", "Virtio 1.4, 5.7.6.9"),
  contextUnknown: context("there is no such context", "Virtio 1.4, 5.7.6.9"),

  // Parameters
  edidScanoutUnknown: invalid("GET_EDID asks for a scanout that does not exist", "Virtio 1.4, 5.7.6.8"),
  formatUnknown: invalid("the format is none of virtio_gpu_formats", "Virtio 1.4, 5.7.6.8"),
  resourceEmpty: invalid("a resource of no pixels", "Virtio 1.4, 5.7.6.8"),
  rectOutsideResource: invalid("the rectangle is not inside the resource", "Virtio 1.4, 5.7.6.8"),
  scanoutRectEmpty: invalid("the scanout's rectangle has no pixels", "Virtio 1.4, 5.7.6.8"),
  transferOutsideBacking: invalid("the rectangle's bytes do not all lie in the backing", "Virtio 1.4, 5.7.6.8"),
  scanoutOfBlob: invalid("SET_SCANOUT names a blob, which SET_SCANOUT_BLOB would show", "Virtio 1.4, 5.7.6.8"),
  blobExpected: invalid("the resource is not a blob", "Virtio 1.4, 5.7.6.8"),
  rectOutsideFramebuffer: invalid("the rectangle is not inside the frame buffer", "Virtio 1.4, 5.7.6.8"),
  strideTooShort: invalid("the stride is shorter than a row of the frame buffer", "Virtio 1.4, 5.7.6.8"),
  framebufferOutsideBlob: invalid("the frame buffer's bytes do not all lie in the blob", "Virtio 1.4, 5.7.6.8"),
  blobMemUnknown: invalid("the blob's memory is of a kind that the device does not have", "Virtio 1.4, 5.7.6.8"),
  blobFlagsUnknown: invalid("blob_flags has bits that mean nothing", "Virtio 1.4, 5.7.6.8"),
  blobSizeInvalid: invalid("the blob's size is 0, or no multiple of blob_alignment", "Virtio 1.4, 5.7.6.8"),
  backingTooShort: invalid("the entries hold fewer bytes than the blob", "Virtio 1.4, 5.7.6.8"),
  hostBlobTooLarge: invalid("a host blob of 4 GiB or more", "Virtio 1.4, 5.7.6.8"),
  hostBlobWithEntries: invalid("a blob of host memory alone has no guest pages", "Virtio 1.4, 5.7.6.8"),
  cursorSize: invalid("the cursor's resource has not the size of a cursor", "Virtio 1.4, 5.7.6.10"),

  capsetIndexUnknown: invalid("the capability set's index is not below num_capsets", "Virtio 1.4, 5.7.6.8"),
  capsetUnknown: invalid("there is no such capability set", "Virtio 1.4, 5.7.6.8"),
  capsetVersionUnknown: invalid("the capability set has no such version", "Virtio 1.4, 5.7.6.8"),
  ringUnknown: invalid("the fence's ring_idx is more than 63", "Virtio 1.4, 5.7.6.7"),
  contextNameTooLong: invalid("nlen is more than the 64 bytes of debug_name", "Virtio 1.4, 5.7.6.9"),
  streamMissing: invalid("the request holds fewer bytes than the command stream", "Virtio 1.4, 5.7.6.9"),
  streamUnaligned: invalid("the command stream's size is no multiple of 4", "Virtio 1.4, 5.7.6.9"),
  streamTooLong: invalid("the command stream is longer than the device takes", "Virtio 1.4, 5.7.6.9"),

  mapOutsideWindow: invalid("the range does not lie in the host visible memory", "Virtio 1.4, 5.7.6.9"),
  mapMisaligned: invalid(
    "the offset is no multiple of the window's granularity or blob_alignment",
    "Virtio 1.4, 5.7.6.9",
  ),
  mapOverlaps: invalid("another blob is mapped in the range", "Virtio 1.4, 5.7.6.9"),

  // Parameters that a renderer checks
  resource3dUnknown: invalid("the renderer makes no resource of this kind, format or size", "Virtio 1.4, 5.7.6.9"),
  boxOutsideResource: invalid("the box is not inside the level of the resource", "Virtio 1.4, 5.7.6.9"),
  boxOutsideBacking: invalid("the box's bytes do not all lie in the backing", "Virtio 1.4, 5.7.6.9"),
  boxStrideTooShort: invalid("a stride is shorter than a row of the box, or than a layer of it", "Virtio 1.4, 5.7.6.9"),

  // State
  backingMissing: unspecified("the resource has no backing", "Virtio 1.4, 5.7.6.8"),
  backingPresent: unspecified("the resource already has a backing", "Virtio 1.4, 5.7.6.8"),
  backingGone: unspecified("a page of the backing is no longer in guest memory", "Virtio 1.4, 5.7.6.8"),
  entriesMissing: unspecified("the request holds fewer entries than it announces", "Virtio 1.4, 5.7.6.8"),
  entriesTooMany: unspecified("more entries than the device takes", "Virtio 1.4, 5.7.6.8"),
  entryInvalid: unspecified("an entry is empty or lies outside guest memory", "Virtio 1.4, 5.7.6.8"),

  windowMissing: unspecified("the blob cannot be mapped: there is no host visible memory", "Virtio 1.4, 5.7.6.9"),
  crossDeviceUndeclared: unspecified("the blob was made without USE_CROSS_DEVICE", "Virtio 1.4, 5.7.6.8"),
  blobIdUnknown: unspecified("the context has no object under this blob id", "Virtio 1.4, 5.7.6.8"),
  shareableUndeclared: unspecified("the blob was made without USE_SHAREABLE", "Virtio 1.4, 5.7.6.8"),
  hostBlobHasNoPages: unspecified("the blob has no guest pages, only host memory", "Virtio 1.4, 5.7.6.8"),
  transferOfBoxes: unspecified("a resource of the renderer takes boxes, not rectangles", "Virtio 1.4, 5.7.6.8"),
  transferOfRectangles: unspecified("a 2D resource takes rectangles, not boxes", "Virtio 1.4, 5.7.6.9"),
  transferOfGuestBlob: unspecified("a guest blob has no host memory to transfer to", "Virtio 1.4, 5.7.6.9"),
  contextLost: unspecified("the context is lost: the renderer has given it up", "Virtio 1.4, 5.7.6.9"),
  rendererGone: unspecified("the renderer's thread has ended", "Virtio 1.4, 5.7.6.9"),
  notHostBlob: unspecified("only a blob of host memory alone can be mapped", "Virtio 1.4, 5.7.6.9"),
  mappableUndeclared: unspecified("the blob was made without USE_MAPPABLE", "Virtio 1.4, 5.7.6.9"),
  notMappable: unspecified("the renderer's object cannot be mapped", "Virtio 1.4, 5.7.6.9"),
  alreadyMapped: unspecified("the blob is mapped already", "Virtio 1.4, 5.7.6.9"),
  blobBytesAway: unspecified("the blob's bytes are not in memory now", "Virtio 1.4, 5.7.6.9"),
  windowRefused: unspecified("the host cannot show the range to the guest now", "Virtio 1.4, 5.7.6.9"),
  notMapped: unspecified("the blob is not mapped", "Virtio 1.4, 5.7.6.9"),

  // Limits
  hostMemoryFull: full("the limit of host memory is reached", "Virtio 1.4, 5.7.6.7"),
  resourcesFull: full("the limit of resources is reached", "Virtio 1.4, 5.7.6.7"),
  contextsFull: full("the limit of contexts is reached", "Virtio 1.4, 5.7.6.7"),
} as const satisfies Record<string, Reason>;

function reason(response: ResponseType, text: string, clause: string): Reason {
  return Object.freeze({ response, text, clause });
}

function unspecified(text: string, clause: string): Reason {
  return reason(ResponseType.ErrUnspec, text, clause);
}

function invalid(text: string, clause: string): Reason {
  return reason(ResponseType.ErrInvalidParameter, text, clause);
}

function resource(text: string, clause: string): Reason {
  return reason(ResponseType.ErrInvalidResourceId, text, clause);
}

function context(text: string, clause: string): Reason {
  return reason(ResponseType.ErrInvalidContextId, text, clause);
}

function full(text: string, clause: string): Reason {
  return reason(ResponseType.ErrOutOfMemory, text, clause);
}
