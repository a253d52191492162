import type { DriverQueue } from "../../../src/guest/driver_queue.ts";
import type { VhostUserConnection } from "../../../src/transport/vhost_user/connection.ts";
import {
  FrontEndRequest,
  MESSAGE_HEADER_SIZE,
  MessageFlag,
  type MessageHeader,
  readMessageHeader,
  readU64Payload,
  VHOST_USER_VERSION,
  VRING_NO_FD,
  writeMemoryRegion,
  writeMemorySlot,
  writeMemoryTable,
  writeMessageHeader,
  writeU64Payload,
  writeVringAddr,
  writeVringState,
} from "../../../src/transport/vhost_user/vhost_user.gen.ts";
import type { FakeFile, FakeHost } from "./fake_host.ts";

/** What came back for a message: a whole reply, the end of the connection, or nothing. */
export type Outcome = { header: MessageHeader; payload: Uint8Array } | { close: string } | undefined;

/** How a message is sent; everything has a default. */
export interface SendOptions {
  fds?: number[];
  needsReply?: boolean;
  flags?: number;
  /** How many bytes of the payload the header claims; as many as there are when absent. */
  sizeBytes?: number;
}

/** A region of guest memory as a front end knows it. */
export interface RegionOptions {
  guestAddress: number;
  sizeBytes: number;
  file: FakeFile;
  fileOffset?: number;
  userAddress?: number;
}

/** Where the front end itself has guest address 0. */
export const USER_BASE = 0x7f12_3456_0000;

/** Plays a front end: sends messages by bytes, as a socket would pass them, and reads what comes back. */
export class FrontEnd {
  readonly connection: VhostUserConnection;
  readonly host: FakeHost;
  /** What ended the connection. */
  closed: string | undefined;

  constructor(connection: VhostUserConnection, host: FakeHost) {
    this.connection = connection;
    this.host = host;
  }

  /** Sends a message with any payload; the file descriptors come with its first byte. */
  send(request: number, payload: Uint8Array = new Uint8Array(0), options: SendOptions = {}): Outcome {
    const { fds = [], needsReply = false, sizeBytes = payload.length } = options;
    const flags = options.flags ?? (VHOST_USER_VERSION | (needsReply ? MessageFlag.NeedReply : 0));
    const words = new Uint32Array(MESSAGE_HEADER_SIZE / 4);
    writeMessageHeader(words, 0, { request, flags, sizeBytes });
    return this.sendBytes(Uint8Array.of(...new Uint8Array(words.buffer), ...payload), fds);
  }

  /** Sends any bytes. Returns the last reply, or the end of the connection. */
  sendBytes(bytes: Uint8Array, fds: number[] = []): Outcome {
    let outcome: Outcome;
    let rest = fds;
    for (let at = 0; at < bytes.length && this.closed === undefined;) {
      const end = Math.min(bytes.length, at + this.connection.wantedBytes);
      const answer = this.connection.receive(bytes.subarray(at, end), rest);
      rest = [];
      at = end;
      if (answer === undefined) continue;
      outcome = "close" in answer ? answer : parse(answer.reply);
      if ("close" in answer) this.closed = answer.close;
    }
    for (const fd of rest) this.host.closeFd(fd); // nobody has received them
    return outcome;
  }

  /** Sends a message whose payload is one number, of at most 53 bits. */
  sendU64(request: number, value: number, options?: SendOptions): Outcome {
    const words = new Uint32Array(2);
    writeU64Payload(words, 0, { valueLow: value >>> 0, valueHigh: Math.floor(value / 2 ** 32) });
    return this.send(request, new Uint8Array(words.buffer), options);
  }

  /** Sends a message that says something of a ring. */
  sendState(request: number, index: number, num: number, options?: SendOptions): Outcome {
    const words = new Uint32Array(2);
    writeVringState(words, 0, { index, num });
    return this.send(request, new Uint8Array(words.buffer), options);
  }

  /** Sends a message of an eventfd, a new one when `fd` is absent and none when it is null; returns the eventfd. */
  sendEventFd(request: number, index: number, fd: number | null = this.host.openFd()): number | null {
    const fds = fd === null ? [] : [fd];
    this.sendU64(request, index | (fd === null ? VRING_NO_FD : 0), { fds });
    return fd;
  }

  /** Asks for a number. Throws when the answer is none. */
  get(request: number): number {
    return numberOf(this.send(request));
  }

  /** Negotiates protocol features, and the features `low` and `high` beside the bit of the protocol features. */
  negotiate(low: number, high: number, protocolFeatures = this.get(FrontEndRequest.GetProtocolFeatures)): void {
    this.sendU64(FrontEndRequest.SetProtocolFeatures, protocolFeatures);
    this.sendU64(FrontEndRequest.SetFeatures, high * 2 ** 32 + ((low | 1 << 30) >>> 0));
  }

  /** Replaces the memory; each region comes with a file descriptor of its own. */
  setMemTable(regions: RegionOptions[], options: SendOptions = {}): Outcome {
    const words = new Uint32Array(2 + regions.length * 8);
    writeMemoryTable(words, 0, { numRegions: regions.length });
    regions.forEach((region, index) => writeMemoryRegion(words, 2 + index * 8, fieldsOf(region)));
    const fds = regions.map(({ file }) => this.host.openFd(file));
    return this.send(FrontEndRequest.SetMemTable, new Uint8Array(words.buffer), { fds, ...options });
  }

  /** Adds a region of memory. */
  addRegion(region: RegionOptions, options: SendOptions = {}): Outcome {
    const fds = [this.host.openFd(region.file)];
    return this.send(FrontEndRequest.AddMemReg, slotBytes(region), { fds, ...options });
  }

  /** Takes a region of memory away. */
  removeRegion(region: RegionOptions, options: SendOptions = {}): Outcome {
    return this.send(FrontEndRequest.RemMemReg, slotBytes(region), options);
  }

  /** Says where a ring's parts are, by the front end's own addresses. */
  setAddresses(index: number, queue: DriverQueue, options?: SendOptions): Outcome {
    const words = new Uint32Array(10);
    writeVringAddr(words, 0, {
      index,
      flags: 0,
      descriptorAddress: USER_BASE + queue.descriptors,
      usedAddress: USER_BASE + queue.used,
      availableAddress: USER_BASE + queue.available,
      logAddress: 0,
    });
    return this.send(FrontEndRequest.SetVringAddr, new Uint8Array(words.buffer), options);
  }

  /** Starts a ring as QEMU does; returns its eventfds. */
  startRing(index: number, queue: DriverQueue, base = 0): { kick: number; call: number; error: number } {
    this.sendState(FrontEndRequest.SetVringNum, index, queue.size);
    this.sendState(FrontEndRequest.SetVringBase, index, base);
    this.setAddresses(index, queue);
    const kick = this.sendEventFd(FrontEndRequest.SetVringKick, index)!;
    const call = this.sendEventFd(FrontEndRequest.SetVringCall, index)!;
    const error = this.sendEventFd(FrontEndRequest.SetVringErr, index)!;
    this.sendState(FrontEndRequest.SetVringEnable, index, 1);
    return { kick, call, error };
  }

  /** Stops a ring; returns the index at which it stood. */
  stopRing(index: number): number {
    const outcome = this.sendState(FrontEndRequest.GetVringBase, index, 0);
    if (outcome === undefined || "close" in outcome) throw new Error("the ring was not stopped");
    return new DataView(outcome.payload.buffer).getUint32(4, true);
  }

  /** Lets the back end do what it was kicked for, or has asked for itself. */
  work(): void {
    for (const queue of this.host.work.splice(0)) this.connection.notify(queue);
  }

  /** Signals a kick: the back end hears of it if it waits for it. */
  kick(index: number): void {
    this.work();
    if (this.host.kicks[index] !== undefined) this.connection.notify(index);
    this.work();
  }
}

/** The number in a reply. Throws when it is no such reply. */
export function numberOf(outcome: Outcome): number {
  if (outcome === undefined || "close" in outcome || outcome.payload.length !== 8) {
    throw new Error(`no number came back: ${JSON.stringify(outcome)}`);
  }
  const { valueLow, valueHigh } = readU64Payload(new Uint32Array(outcome.payload.buffer), 0);
  return valueHigh * 2 ** 32 + valueLow;
}

function parse(bytes: Uint8Array): Outcome {
  const copy = bytes.slice();
  const header = readMessageHeader(new Uint32Array(copy.buffer, 0, MESSAGE_HEADER_SIZE / 4), 0);
  return { header, payload: copy.slice(MESSAGE_HEADER_SIZE) };
}

function fieldsOf({ guestAddress, sizeBytes, fileOffset = 0, userAddress = USER_BASE + guestAddress }: RegionOptions) {
  return { guestAddress, sizeBytes, fileOffset, userAddress };
}

function slotBytes(region: RegionOptions): Uint8Array {
  const words = new Uint32Array(10);
  writeMemorySlot(words, 0, { region: fieldsOf(region) });
  return new Uint8Array(words.buffer);
}
