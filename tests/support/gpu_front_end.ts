import type { GpuPort } from "../../src/display/vhost_user_gpu.ts";
import {
  GPU_CURSOR_UPDATE_SIZE,
  GPU_MESSAGE_HEADER_SIZE,
  GPU_MESSAGE_REPLY,
  GPU_UPDATE_SIZE,
  GpuRequest,
  readGpuCursorPos,
  readGpuCursorUpdate,
  readGpuEdidRequest,
  readGpuFeatures,
  readGpuMessageHeader,
  readGpuScanout,
  readGpuUpdate,
  writeGpuFeatures,
  writeGpuMessageHeader,
} from "../../src/display/vhost_user_gpu.gen.ts";
import {
  MAX_SCANOUTS,
  RESP_DISPLAY_INFO_SIZE,
  RESP_EDID_EDID_OFFSET,
  RESP_EDID_SIZE,
  writeRespDisplayInfo,
  writeRespEdid,
} from "../../src/protocol/wire.gen.ts";

/** The picture of a scanout at the front end. */
export interface Surface {
  readonly width: number;
  readonly height: number;
  /** B, G, R, X of each pixel as a word. */
  readonly pixels: Uint32Array;
}

/** A message, in words. */
export type Told = [name: string, ...values: number[]];

const PAYLOAD = GPU_MESSAGE_HEADER_SIZE / 4;

/** A front end's end of a display socket: takes as many bytes as it has room for, and keeps what it is shown. */
export class GpuFrontEnd implements GpuPort {
  /** How many bytes it takes until this is set again. */
  roomBytes = Infinity;
  /** What the display said of `wantWrites` last. */
  areWritesWanted = false;
  /** Whether the socket is broken. */
  isBroken = false;
  /** Everything that it was told: sizes and places without pixels. */
  readonly told: Told[] = [];
  readonly surfaces = new Map<number, Surface>();
  /** The last cursor's picture. */
  cursor = new Uint32Array();
  #bytes = new Uint8Array();

  send(bytes: Uint8Array): number {
    if (this.isBroken) return -1;
    const count = Math.min(bytes.length, this.roomBytes);
    this.roomBytes -= count;
    const joined = new Uint8Array(this.#bytes.length + count);
    joined.set(this.#bytes);
    joined.set(bytes.subarray(0, count), this.#bytes.length);
    this.#bytes = joined;
    this.#read();
    return count;
  }

  wantWrites(areWanted: boolean): void {
    this.areWritesWanted = areWanted;
  }

  /** The names of what it was told. */
  get names(): string[] {
    return this.told.map(([name]) => name);
  }

  #read(): void {
    while (this.#bytes.length >= GPU_MESSAGE_HEADER_SIZE) {
      const { request, flags, sizeBytes } = readGpuMessageHeader(wordsOf(this.#bytes.slice(0, 12)), 0);
      if (flags !== 0) throw new Error(`A request has the flags ${flags}`);
      const end = GPU_MESSAGE_HEADER_SIZE + sizeBytes;
      if (this.#bytes.length < end) return;
      const message = wordsOf(this.#bytes.slice(0, end));
      this.#bytes = this.#bytes.slice(end);
      this.told.push(this.#carryOut(request as GpuRequest, message));
    }
  }

  #carryOut(request: GpuRequest, words: Uint32Array): Told {
    switch (request) {
      case GpuRequest.GetProtocolFeatures:
        return ["GET_PROTOCOL_FEATURES"];
      case GpuRequest.SetProtocolFeatures:
        return ["SET_PROTOCOL_FEATURES", readGpuFeatures(words, PAYLOAD).featuresLow];
      case GpuRequest.GetDisplayInfo:
        return ["GET_DISPLAY_INFO"];
      case GpuRequest.GetEdid:
        return ["GET_EDID", readGpuEdidRequest(words, PAYLOAD).scanoutId];
      case GpuRequest.CursorPos:
      case GpuRequest.CursorPosHide: {
        const { scanoutId, x, y } = readGpuCursorPos(words, PAYLOAD);
        return [request === GpuRequest.CursorPos ? "CURSOR_POS" : "CURSOR_POS_HIDE", scanoutId, x, y];
      }
      case GpuRequest.CursorUpdate: {
        const { pos, hotX, hotY } = readGpuCursorUpdate(words, PAYLOAD);
        this.cursor = words.slice(PAYLOAD + GPU_CURSOR_UPDATE_SIZE / 4);
        return ["CURSOR_UPDATE", pos.scanoutId, pos.x, pos.y, hotX, hotY];
      }
      case GpuRequest.Scanout: {
        const { scanoutId, width, height } = readGpuScanout(words, PAYLOAD);
        this.surfaces.set(scanoutId, { width, height, pixels: new Uint32Array(width * height) });
        return ["SCANOUT", scanoutId, width, height];
      }
      case GpuRequest.Update:
        return this.#update(words);
      default:
        throw new Error(`Message ${request} was not expected`);
    }
  }

  #update(words: Uint32Array): Told {
    const { scanoutId, x, y, width, height } = readGpuUpdate(words, PAYLOAD);
    const surface = this.surfaces.get(scanoutId);
    const isInside = surface && x + width <= surface.width && y + height <= surface.height;
    if (!isInside) throw new Error(`UPDATE of ${width}x${height} at ${x},${y} is outside of scanout ${scanoutId}`);
    const pixels = words.subarray(PAYLOAD + GPU_UPDATE_SIZE / 4);
    if (pixels.length !== width * height) throw new Error(`UPDATE of ${width}x${height} has ${pixels.length} pixels`);
    for (let row = 0; row < height; row++) {
      surface.pixels.set(pixels.subarray(row * width, (row + 1) * width), (y + row) * surface.width + x);
    }
    return ["UPDATE", scanoutId, x, y, width, height];
  }
}

/** The reply to GET_PROTOCOL_FEATURES. */
export function featuresReply(featuresLow: number): Uint8Array {
  const words = new Uint32Array(PAYLOAD + 2);
  writeGpuFeatures(words, PAYLOAD, { featuresLow, featuresHigh: 0 });
  return finish(words, GpuRequest.GetProtocolFeatures);
}

/** The reply to GET_DISPLAY_INFO: the sizes of the connected monitors, from the first on; undefined for one that is not. */
export function displayInfoReply(...sizes: (readonly [width: number, height: number] | undefined)[]): Uint8Array {
  const words = new Uint32Array(PAYLOAD + RESP_DISPLAY_INFO_SIZE / 4);
  const pmodes = Array.from({ length: MAX_SCANOUTS }, (_, index) => {
    const [width, height] = sizes[index] ?? [0, 0];
    return { rect: { x: 0, y: 0, width, height }, enabled: width > 0 ? 1 : 0, flags: 0 };
  });
  writeRespDisplayInfo(words, PAYLOAD, { pmodes });
  return finish(words, GpuRequest.GetDisplayInfo);
}

/** The reply to GET_EDID. */
export function edidReply(edid: Uint8Array): Uint8Array {
  const words = new Uint32Array(PAYLOAD + RESP_EDID_SIZE / 4);
  writeRespEdid(words, PAYLOAD, { size: edid.length });
  new Uint8Array(words.buffer).set(edid, GPU_MESSAGE_HEADER_SIZE + RESP_EDID_EDID_OFFSET);
  return finish(words, GpuRequest.GetEdid);
}

function finish(words: Uint32Array, request: GpuRequest): Uint8Array {
  const sizeBytes = words.length * 4 - GPU_MESSAGE_HEADER_SIZE;
  writeGpuMessageHeader(words, 0, { request, flags: GPU_MESSAGE_REPLY, sizeBytes });
  return new Uint8Array(words.buffer);
}

function wordsOf(bytes: Uint8Array<ArrayBuffer>): Uint32Array {
  return new Uint32Array(bytes.buffer);
}
