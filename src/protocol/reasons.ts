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
  cursorSize: invalid("the cursor's resource has not the size of a cursor", "Virtio 1.4, 5.7.6.10"),

  // State
  backingMissing: unspecified("the resource has no backing", "Virtio 1.4, 5.7.6.8"),
  backingPresent: unspecified("the resource already has a backing", "Virtio 1.4, 5.7.6.8"),
  backingGone: unspecified("a page of the backing is no longer in guest memory", "Virtio 1.4, 5.7.6.8"),
  entriesMissing: unspecified("the request holds fewer entries than it announces", "Virtio 1.4, 5.7.6.8"),
  entriesTooMany: unspecified("more entries than the device takes", "Virtio 1.4, 5.7.6.8"),
  entryInvalid: unspecified("an entry is empty or lies outside guest memory", "Virtio 1.4, 5.7.6.8"),

  windowMissing: unspecified("the blob cannot be mapped: there is no host visible memory", "Virtio 1.4, 5.7.6.9"),
  crossDeviceUndeclared: unspecified("the blob was made without USE_CROSS_DEVICE", "Virtio 1.4, 5.7.6.8"),
  notMapped: unspecified("the blob is not mapped", "Virtio 1.4, 5.7.6.9"),

  // Limits
  hostMemoryFull: full("the limit of host memory is reached", "Virtio 1.4, 5.7.6.7"),
  resourcesFull: full("the limit of resources is reached", "Virtio 1.4, 5.7.6.7"),
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

function full(text: string, clause: string): Reason {
  return reason(ResponseType.ErrOutOfMemory, text, clause);
}
