import type { SharedMemoryRegion } from "../../virtio/virtio_device.ts";
import {
  CONFIG_ACCESS_BYTES_OFFSET,
  type ConfigAccess,
  MAX_PAYLOAD_BYTES,
  MESSAGE_HEADER_SIZE,
  MessageFlag,
  SHMEM_CONFIG_SIZES_OFFSET,
  SHMEM_SIZES,
  U64_PAYLOAD_SIZE,
  VHOST_USER_VERSION,
  VRING_STATE_SIZE,
  type VringState,
  writeConfigAccess,
  writeMessageHeader,
  writeShmemConfig,
  writeU64Payload,
  writeVringState,
} from "./vhost_user.gen.ts";

const PAYLOAD = MESSAGE_HEADER_SIZE / 4;
const SHMEM_CONFIG_BYTES = SHMEM_CONFIG_SIZES_OFFSET + SHMEM_SIZES * 8;

/** Most bytes of a reply; no request has more. */
export const MAX_REPLY_BYTES: number = MESSAGE_HEADER_SIZE + Math.max(MAX_PAYLOAD_BYTES, SHMEM_CONFIG_BYTES);

/** Writes replies of the back end, one at a time: what a method returns is valid until the next is called. */
export class ReplyWriter {
  readonly #words = new Uint32Array(MAX_REPLY_BYTES / 4);
  readonly #bytes = new Uint8Array(this.#words.buffer);

  /** A reply without a payload. */
  empty(request: number): Uint8Array {
    return this.#finish(request, 0);
  }

  /** A reply that is one 64-bit number, given as two u32. */
  u64(request: number, valueLow: number, valueHigh = 0): Uint8Array {
    writeU64Payload(this.#words, PAYLOAD, { valueLow, valueHigh });
    return this.#finish(request, U64_PAYLOAD_SIZE);
  }

  /** A reply that says something of a ring. */
  vringState(request: number, state: VringState): Uint8Array {
    writeVringState(this.#words, PAYLOAD, state);
    return this.#finish(request, VRING_STATE_SIZE);
  }

  /** A reply that shows the part `access` of the configuration space `config`, past whose end it is 0. */
  config(request: number, access: ConfigAccess, config: Uint8Array): Uint8Array {
    const { offset, sizeBytes } = access;
    writeConfigAccess(this.#words, PAYLOAD, access);
    const at = MESSAGE_HEADER_SIZE + CONFIG_ACCESS_BYTES_OFFSET;
    this.#bytes.fill(0, at, at + sizeBytes);
    this.#bytes.set(config.subarray(offset, offset + sizeBytes), at);
    return this.#finish(request, CONFIG_ACCESS_BYTES_OFFSET + sizeBytes);
  }

  /** A reply that shows the lengths of the shared memory regions `regions`. */
  sharedMemory(request: number, regions: readonly SharedMemoryRegion[]): Uint8Array {
    const sizes = PAYLOAD + SHMEM_CONFIG_SIZES_OFFSET / 4;
    writeShmemConfig(this.#words, PAYLOAD, { numRegions: regions.length });
    this.#words.fill(0, sizes, sizes + SHMEM_SIZES * 2);
    for (const { id, lengthBytes } of regions) this.#words.set(halves(lengthBytes), sizes + id * 2);
    return this.#finish(request, SHMEM_CONFIG_BYTES);
  }

  #finish(request: number, sizeBytes: number): Uint8Array {
    writeMessageHeader(this.#words, 0, { request, flags: VHOST_USER_VERSION | MessageFlag.Reply, sizeBytes });
    return this.#bytes.subarray(0, MESSAGE_HEADER_SIZE + sizeBytes);
  }
}

function halves(value: number): [low: number, high: number] {
  return [value >>> 0, Math.floor(value / 2 ** 32)];
}
