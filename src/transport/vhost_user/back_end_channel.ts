import type { VhostUserHost } from "./host.ts";
import {
  type BackEndRequest,
  MESSAGE_HEADER_SIZE,
  MessageFlag,
  readMessageHeader,
  readU64Payload,
  SHMEM_MAPPING_SIZE,
  U64_PAYLOAD_SIZE,
  VHOST_USER_VERSION,
  VHOST_USER_VERSION_MASK,
  writeMessageHeader,
} from "./vhost_user.gen.ts";

const PAYLOAD = MESSAGE_HEADER_SIZE / 4;
const ANSWER_BYTES = MESSAGE_HEADER_SIZE + U64_PAYLOAD_SIZE;
const DONE = 0;

/** A request that has not been answered. */
interface Question {
  readonly request: BackEndRequest;
  readonly onAnswer: (isDone: boolean) => void;
}

/**
 * The channel for messages that the back end begins. A front end may carry out requests of its own while it owes an answer,
 * so nobody waits for one: it is taken when it has come. The clause is vhost-user, Back-end communication.
 */
export class BackEndChannel {
  readonly #host: VhostUserHost;
  readonly #message = new Uint32Array((MESSAGE_HEADER_SIZE + SHMEM_MAPPING_SIZE) / 4);
  readonly #messageBytes = new Uint8Array(this.#message.buffer);
  readonly #answer = new Uint32Array(ANSWER_BYTES / 4);
  readonly #answerBytes = new Uint8Array(this.#answer.buffer);
  #filledBytes = 0;
  #fd: number | undefined;
  #isHeard = false;
  #question: Question | undefined;

  /** No channel yet. */
  constructor(host: VhostUserHost) {
    this.#host = host;
  }

  /** Takes the socket `fd`, which it owns, in place of the one before, over which no answer comes any more; or none. */
  set(fd: number | undefined): void {
    const before = this.#fd;
    if (this.#isHeard) this.#host.watchChannel(undefined);
    this.#isHeard = false;
    this.#filledBytes = 0;
    this.#fd = fd;
    if (before !== undefined) this.#host.closeFd(before);
    this.#end(false);
  }

  /** Sends a message without a payload to which there is no answer; nothing happens while there is no channel. */
  tell(request: BackEndRequest): void {
    if (this.#fd !== undefined) this.#host.send(this.#fd, this.#write(request, VHOST_USER_VERSION, 0));
  }

  /**
   * Asks by a message with the payload `words`, and `fd` with it; nobody asks again before the answer. False when it cannot
   * be asked now: there is no channel, or it takes no more. Else `onAnswer` is called later, once: true when the front end
   * has done it, false when it has not, or cannot say so any more.
   */
  ask(request: BackEndRequest, words: Uint32Array, fd: number, onAnswer: (isDone: boolean) => void): boolean {
    if (this.#fd === undefined || !this.#listen(this.#fd)) return false;
    this.#message.set(words, PAYLOAD);
    const flags = VHOST_USER_VERSION | MessageFlag.NeedReply;
    const message = this.#write(request, flags, words.length * 4);
    if (!this.#host.sendWithFd(this.#fd, message, fd)) return false;
    this.#question = { request, onAnswer };
    return true;
  }

  /** Takes what has come, as far as it has. */
  read(): void {
    while (this.#isHeard) {
      const received = this.#host.receive(this.#fd!, ANSWER_BYTES - this.#filledBytes);
      if (received === "nothing") return;
      if (received === "closed") return this.set(undefined);
      this.#answerBytes.set(received, this.#filledBytes);
      this.#filledBytes += received.length;
      if (this.#filledBytes === ANSWER_BYTES) this.#take();
    }
  }

  #take(): void {
    this.#filledBytes = 0;
    const { request, flags, sizeBytes } = readMessageHeader(this.#answer, 0);
    const isAnswer = (flags & VHOST_USER_VERSION_MASK) === VHOST_USER_VERSION && (flags & MessageFlag.Reply) !== 0;
    if (!isAnswer || sizeBytes !== U64_PAYLOAD_SIZE || request !== this.#question?.request) {
      this.#host.report("the back end's channel is closed: it brings what answers no request");
      return this.set(undefined);
    }
    const { valueLow, valueHigh } = readU64Payload(this.#answer, PAYLOAD);
    this.#end(valueLow === DONE && valueHigh === DONE);
  }

  #end(isDone: boolean): void {
    const question = this.#question;
    this.#question = undefined;
    question?.onAnswer(isDone);
  }

  /** Whether what comes over the channel is heard: from the first question on, whose answer it must be. */
  #listen(fd: number): boolean {
    this.#isHeard ||= this.#host.watchChannel(fd, () => this.read());
    return this.#isHeard;
  }

  #write(request: BackEndRequest, flags: number, sizeBytes: number): Uint8Array {
    writeMessageHeader(this.#message, 0, { request, flags, sizeBytes });
    return this.#messageBytes.subarray(0, MESSAGE_HEADER_SIZE + sizeBytes);
  }
}
