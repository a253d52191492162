import {
  CONFIG_ACCESS_BYTES_OFFSET,
  type ConfigAccess,
  MAX_PAYLOAD_BYTES,
  MESSAGE_HEADER_SIZE,
  MessageFlag,
  U64_PAYLOAD_SIZE,
  VHOST_USER_VERSION,
  VRING_STATE_SIZE,
  type VringState,
  writeConfigAccess,
  writeMessageHeader,
  writeU64Payload,
  writeVringState,
} from "./vhost_user.gen.ts";

const PAYLOAD = MESSAGE_HEADER_SIZE / 4;

/** Writes messages of the back end, one at a time: what a method returns is valid until the next is called. */
export class ReplyWriter {
  readonly #words = new Uint32Array((MESSAGE_HEADER_SIZE + MAX_PAYLOAD_BYTES) / 4);
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

  /** A message without a payload that the back end begins. */
  request(request: number): Uint8Array {
    return this.#finish(request, 0, VHOST_USER_VERSION);
  }

  #finish(request: number, sizeBytes: number, flags = VHOST_USER_VERSION | MessageFlag.Reply): Uint8Array {
    writeMessageHeader(this.#words, 0, { request, flags, sizeBytes });
    return this.#bytes.subarray(0, MESSAGE_HEADER_SIZE + sizeBytes);
  }
}
