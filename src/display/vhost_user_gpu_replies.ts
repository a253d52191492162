import {
  readRespDisplayInfo,
  readRespEdid,
  RESP_DISPLAY_INFO_SIZE,
  RESP_EDID_EDID_BYTES,
  RESP_EDID_EDID_OFFSET,
  RESP_EDID_SIZE,
  type RespDisplayInfo,
} from "../protocol/wire.gen.ts";
import {
  GPU_FEATURES_SIZE,
  GPU_MESSAGE_HEADER_SIZE,
  GPU_MESSAGE_REPLY,
  type GpuMessageHeader,
  GpuRequest,
  readGpuFeatures,
  readGpuMessageHeader,
} from "./vhost_user_gpu.gen.ts";

const PAYLOAD = GPU_MESSAGE_HEADER_SIZE / 4;

/** Bytes of the largest reply, its header included. */
export const MAX_REPLY_BYTES: number = GPU_MESSAGE_HEADER_SIZE + RESP_EDID_SIZE;

/** What the front end answered. */
export type GpuReply =
  | { readonly request: typeof GpuRequest.GetProtocolFeatures; readonly featuresLow: number }
  | { readonly request: typeof GpuRequest.GetDisplayInfo; readonly displayInfo: RespDisplayInfo }
  | { readonly request: typeof GpuRequest.GetEdid; readonly edid: Uint8Array };

/** Puts the front end's replies together from what the socket gives. */
export class GpuReplyReader {
  readonly #words = new Uint32Array(MAX_REPLY_BYTES / 4);
  readonly #bytes = new Uint8Array(this.#words.buffer);
  #filledBytes = 0;

  /** How many bytes to give to `take` at most, 1 or more. */
  get wantedBytes(): number {
    if (this.#filledBytes < GPU_MESSAGE_HEADER_SIZE) return GPU_MESSAGE_HEADER_SIZE - this.#filledBytes;
    return GPU_MESSAGE_HEADER_SIZE + readGpuMessageHeader(this.#words, 0).sizeBytes - this.#filledBytes;
  }

  /**
   * Takes at most `wantedBytes` bytes from the socket, else it throws `RangeError`. Returns the reply once it is whole, whose
   * bytes are the caller's, and a sentence when there is no going on with the stream.
   */
  take(bytes: Uint8Array): GpuReply | string | undefined {
    if (bytes.length > this.wantedBytes) {
      throw new RangeError(`Cannot take ${bytes.length} bytes of a reply: it wants ${this.wantedBytes}`);
    }
    this.#bytes.set(bytes, this.#filledBytes);
    this.#filledBytes += bytes.length;
    if (this.#filledBytes < GPU_MESSAGE_HEADER_SIZE) return undefined;
    const header = readGpuMessageHeader(this.#words, 0);
    const { request, flags, sizeBytes } = header;
    if (flags !== GPU_MESSAGE_REPLY || sizeBytes !== replyBytes(header)) {
      return `the display socket brought message ${request} of ${sizeBytes} bytes with the flags 0x${
        flags.toString(16)
      }`;
    }
    if (this.#filledBytes < GPU_MESSAGE_HEADER_SIZE + sizeBytes) return undefined;
    this.#filledBytes = 0;
    return this.#reply(request as GpuReply["request"]);
  }

  #reply(request: GpuReply["request"]): GpuReply {
    switch (request) {
      case GpuRequest.GetProtocolFeatures:
        return { request, featuresLow: readGpuFeatures(this.#words, PAYLOAD).featuresLow };
      case GpuRequest.GetDisplayInfo:
        return { request, displayInfo: readRespDisplayInfo(this.#words, PAYLOAD) };
      case GpuRequest.GetEdid: {
        const at = GPU_MESSAGE_HEADER_SIZE + RESP_EDID_EDID_OFFSET;
        const length = Math.min(readRespEdid(this.#words, PAYLOAD).size, RESP_EDID_EDID_BYTES);
        return { request, edid: this.#bytes.slice(at, at + length) };
      }
    }
  }
}

/** Bytes of the payload of the reply to a request that has one; undefined for any other. */
function replyBytes({ request }: GpuMessageHeader): number | undefined {
  switch (request) {
    case GpuRequest.GetProtocolFeatures:
      return GPU_FEATURES_SIZE;
    case GpuRequest.GetDisplayInfo:
      return RESP_DISPLAY_INFO_SIZE;
    case GpuRequest.GetEdid:
      return RESP_EDID_SIZE;
  }
  return undefined;
}
