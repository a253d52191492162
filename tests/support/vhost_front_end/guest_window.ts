import type { Libc } from "../../../src/hosts/deno/libc.ts";
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_READ,
  PROT_WRITE,
} from "../../../src/hosts/deno/linux_abi.ts";
import { SocketMessages } from "../../../src/hosts/deno/socket_messages.ts";
import { makeSocketPair } from "../../../src/hosts/deno/unix_socket.ts";
import {
  BackEndRequest,
  MESSAGE_HEADER_SIZE,
  MessageFlag,
  readMessageHeader,
  readShmemMapping,
  SHMEM_MAPPING_SIZE,
  type ShmemMapping,
  U64_PAYLOAD_SIZE,
  VHOST_USER_VERSION,
  writeMessageHeader,
  writeU64Payload,
} from "../../../src/transport/vhost_user/vhost_user.gen.ts";
import { MoreLibc } from "../more_libc.ts";

/** A file that a back end wants to be shown, and where. The front end owns the descriptor. */
export interface WindowRequest extends ShmemMapping {
  readonly fd: number;
}

const REQUEST_BYTES = MESSAGE_HEADER_SIZE + SHMEM_MAPPING_SIZE;

/**
 * The host visible window of a guest, as a front end has it: memory in which a back end's files are seen when it asks for
 * that, as in a PCI BAR of QEMU's. What nobody has mapped is nothing that the back end sees.
 */
export class GuestWindow {
  /** The back end's end of the channel, to be handed over. */
  readonly backEndFd: number;
  /** This end. */
  readonly fd: number;
  /** The window as the guest's processor sees it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What was asked for, in order. */
  readonly requests: WindowRequest[] = [];
  /** What happens to a request, in place of being carried out and answered. */
  onRequest: (request: WindowRequest) => void = (request) => this.carryOut(request);
  readonly #libc: Libc;
  readonly #messages: SocketMessages;
  readonly #address: bigint;
  #hasHungUp = false;

  /** A window of `lengthBytes` bytes, and a channel. */
  constructor(libc: Libc, lengthBytes: number) {
    this.#libc = libc;
    this.#messages = new SocketMessages(libc, REQUEST_BYTES, 1);
    [this.fd, this.backEndFd] = makeSocketPair(libc);
    this.#address = this.#map(0n, lengthBytes, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    const pointer = Deno.UnsafePointer.create(this.#address)!;
    this.bytes = new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointer, lengthBytes));
  }

  /** Takes what the back end has asked for. */
  work(): void {
    const received = this.#messages.receive(this.fd, REQUEST_BYTES);
    if (typeof received === "string") return;
    const words = new Uint32Array(received.bytes.slice().buffer);
    const { request, flags, sizeBytes } = readMessageHeader(words, 0);
    const isWhole = received.bytes.length === REQUEST_BYTES && sizeBytes === SHMEM_MAPPING_SIZE;
    const isKnown = request === BackEndRequest.ShmemMap && flags === (VHOST_USER_VERSION | MessageFlag.NeedReply);
    if (!isWhole || !isKnown || received.fds.length !== 1) throw new Error(`The back end asks ${request} wrongly`);
    const asked = { ...readShmemMapping(words, MESSAGE_HEADER_SIZE / 4), fd: received.fds[0]! };
    this.requests.push(asked);
    this.onRequest(asked);
  }

  /** Shows the file, and answers. */
  carryOut(request: WindowRequest): void {
    const { fd, fileOffset, regionOffset, sizeBytes } = request;
    this.#map(this.#address + BigInt(regionOffset), sizeBytes, MAP_SHARED | MAP_FIXED, fd, fileOffset);
    this.answer(0);
  }

  /** Answers SHMEM_MAP, or whatever `request` is, by `result`: 0 is done. */
  answer(result: number, request: number = BackEndRequest.ShmemMap): void {
    const words = new Uint32Array((MESSAGE_HEADER_SIZE + U64_PAYLOAD_SIZE) / 4);
    const flags = VHOST_USER_VERSION | MessageFlag.Reply;
    writeMessageHeader(words, 0, { request, flags, sizeBytes: U64_PAYLOAD_SIZE });
    writeU64Payload(words, MESSAGE_HEADER_SIZE / 4, { valueLow: result, valueHigh: 0 });
    this.sendBytes(new Uint8Array(words.buffer));
  }

  /** Sends any bytes over the channel; drops them when the back end has closed it. */
  sendBytes(bytes: Uint8Array): void {
    this.#messages.send(this.fd, bytes);
  }

  /** Closes the channel. */
  hangUp(): void {
    if (!this.#hasHungUp) this.#libc.calls.close(this.fd);
    this.#hasHungUp = true;
  }

  /** Drops everything that is shown, as a front end does when it resets the device. */
  drop(): void {
    this.#map(this.#address, this.bytes.length, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    for (const { fd } of this.requests.splice(0)) this.#libc.calls.close(fd);
  }

  /** Ends it: nobody may look at `bytes` any more. */
  close(): void {
    this.drop();
    this.hangUp();
    const more = new MoreLibc();
    more.unmap(this.#address, this.bytes.length);
    more.close();
  }

  #map(address: bigint, sizeBytes: number, flags: number, fd: number, fileOffset: number): bigint {
    const { mmap } = this.#libc.calls;
    const mapped = mmap(address, BigInt(sizeBytes), PROT_READ | PROT_WRITE, flags, fd, BigInt(fileOffset));
    if (mapped === 2n ** 64n - 1n) throw this.#libc.error(`map ${sizeBytes} bytes`);
    return mapped;
  }
}
