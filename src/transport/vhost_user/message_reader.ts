import {
  MAX_MESSAGE_FDS,
  MAX_PAYLOAD_BYTES,
  MESSAGE_HEADER_SIZE,
  MessageFlag,
  type MessageHeader,
  readMessageHeader,
  VHOST_USER_VERSION,
  VHOST_USER_VERSION_MASK,
} from "./vhost_user.gen.ts";

/** A whole message of a front end. */
export interface Message {
  /** What came before the payload: any request, and as many bytes as it says. */
  readonly header: MessageHeader;
  /** The payload, valid until the next message is begun; what lies behind its size is of older messages. */
  readonly words: Uint32Array;
  /** The file descriptors that came with it. Whoever keeps one takes it out; the others are closed. */
  readonly fds: number[];
}

/** Puts messages together from what a stream socket gives. */
export class MessageReader {
  readonly #words = new Uint32Array((MESSAGE_HEADER_SIZE + MAX_PAYLOAD_BYTES) / 4);
  readonly #bytes = new Uint8Array(this.#words.buffer);
  readonly #payload = this.#words.subarray(MESSAGE_HEADER_SIZE / 4);
  #filledBytes = 0;
  #fds: number[] = [];

  /**
   * How many bytes to read from the socket at most, 1 or more. A read that went further could bring the file descriptors of
   * the message behind this one.
   */
  get wantedBytes(): number {
    if (this.#filledBytes < MESSAGE_HEADER_SIZE) return MESSAGE_HEADER_SIZE - this.#filledBytes;
    return MESSAGE_HEADER_SIZE + readMessageHeader(this.#words, 0).sizeBytes - this.#filledBytes;
  }

  /**
   * Takes up what one read brought: at most `wantedBytes` bytes, else it throws `RangeError`, and the file descriptors that
   * came with them. Returns the message once it is whole, and a sentence when there is no going on with the stream.
   */
  take(bytes: Uint8Array, fds: readonly number[]): Message | string | undefined {
    this.#fds.push(...fds);
    if (bytes.length > this.wantedBytes) {
      throw new RangeError(`Cannot take ${bytes.length} bytes of a message: it wants ${this.wantedBytes}`);
    }
    this.#bytes.set(bytes, this.#filledBytes);
    this.#filledBytes += bytes.length;
    if (this.#fds.length > MAX_MESSAGE_FDS) return `a message brings ${this.#fds.length} file descriptors`;
    if (this.#filledBytes < MESSAGE_HEADER_SIZE) return undefined;
    const header = readMessageHeader(this.#words, 0);
    const problem = problemOf(header);
    if (problem !== undefined) return problem;
    if (this.#filledBytes < MESSAGE_HEADER_SIZE + header.sizeBytes) return undefined;
    this.#filledBytes = 0;
    return { header, words: this.#payload, fds: this.takeFds() };
  }

  /** Takes the file descriptors of a message that is not whole; the caller owns them. */
  takeFds(): number[] {
    return this.#fds.splice(0);
  }
}

function problemOf({ flags, sizeBytes }: MessageHeader): string | undefined {
  if ((flags & VHOST_USER_VERSION_MASK) !== VHOST_USER_VERSION || (flags & MessageFlag.Reply) !== 0) {
    return `a message has the flags 0x${flags.toString(16)}`;
  }
  if (sizeBytes > MAX_PAYLOAD_BYTES) return `a message has ${sizeBytes} bytes, at most ${MAX_PAYLOAD_BYTES} are known`;
  return undefined;
}
