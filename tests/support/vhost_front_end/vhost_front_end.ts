import {
  CONFIG_ACCESS_BYTES_OFFSET,
  FEATURE_PROTOCOL_FEATURES,
  FrontEndRequest,
  MEMORY_REGION_SIZE,
  MEMORY_SLOT_SIZE,
  MEMORY_TABLE_REGIONS_OFFSET,
  MessageFlag,
  ProtocolFeature,
  SHMEM_CONFIG_SIZES_OFFSET,
  VHOST_USER_VERSION,
  VRING_ADDR_SIZE,
  type VringAddr,
  writeConfigAccess,
  writeMemoryRegion,
  writeMemorySlot,
  writeMemoryTable,
  writeVringAddr,
} from "../../../src/transport/vhost_user/vhost_user.gen.ts";
import type { FrontEndSocket } from "./front_end_socket.ts";
import type { SharedRegion } from "./shared_ram.ts";

/** Every protocol feature that a front end here knows. */
export const ALL_PROTOCOL_FEATURES = Object.values<number>(ProtocolFeature).reduce((bits, bit) => bits | 1 << bit, 0);

/** A ring as a front end describes it: file descriptors, and addresses in its own terms. */
export interface FrontEndRing {
  readonly size: number;
  readonly addresses: Omit<VringAddr, "index" | "flags" | "logAddress">;
  /** Index in the available ring where it begins. */
  readonly base: number;
  readonly kickFd: number;
  readonly callFd: number;
  readonly errorFd: number;
}

/**
 * What QEMU does at a vhost-user socket: one method for what belongs together, in QEMU's order. Requests without a reply are
 * acknowledged where that was negotiated; one that is refused throws.
 */
export class VhostFrontEnd {
  readonly socket: FrontEndSocket;
  /** The features that the back end offers, its own bit included. */
  offered: readonly [low: number, high: number] = [0, 0];
  /** The protocol features that were negotiated; undefined for a front end that knows none. */
  protocolFeatures: number | undefined;

  /** Over a socket on which nothing was said yet. */
  constructor(socket: FrontEndSocket) {
    this.socket = socket;
  }

  /** Gets to know the back end; negotiates those of the protocol features `wanted` that it has, or says nothing of any. */
  introduce(wanted: number | "none" = ALL_PROTOCOL_FEATURES): void {
    this.offered = this.#ask64(FrontEndRequest.GetFeatures);
    if (wanted !== "none" && (this.offered[0] >>> FEATURE_PROTOCOL_FEATURES & 1) === 1) {
      const features = this.#ask64(FrontEndRequest.GetProtocolFeatures)[0] & wanted;
      this.socket.send(FrontEndRequest.SetProtocolFeatures, [features, 0]);
      this.protocolFeatures = features;
    }
    this.tell(FrontEndRequest.SetOwner);
  }

  /** Says which features the driver has accepted. */
  setFeatures(low: number, high: number): void {
    const own = this.protocolFeatures === undefined ? 0 : 1 << FEATURE_PROTOCOL_FEATURES;
    this.tell(FrontEndRequest.SetFeatures, [low | own, high]);
  }

  /** How many rings there are; 1 for a back end that does not say. */
  queueCount(): number {
    return this.#has(ProtocolFeature.Mq) ? this.#ask64(FrontEndRequest.GetQueueNum)[0] : 1;
  }

  /** Replaces the table of regions. */
  setMemory(regions: readonly SharedRegion[]): void {
    const words = new Uint32Array((MEMORY_TABLE_REGIONS_OFFSET + regions.length * MEMORY_REGION_SIZE) / 4);
    writeMemoryTable(words, 0, { numRegions: regions.length });
    regions.forEach((region, index) => {
      writeMemoryRegion(words, (MEMORY_TABLE_REGIONS_OFFSET + index * MEMORY_REGION_SIZE) / 4, region);
    });
    this.tell(FrontEndRequest.SetMemTable, words, regions.map(({ fd }) => fd));
  }

  /** Adds one region. */
  addRegion(region: SharedRegion): void {
    this.tell(FrontEndRequest.AddMemReg, slot(region), [region.fd]);
  }

  /** Takes one region away. */
  removeRegion(region: SharedRegion): void {
    this.tell(FrontEndRequest.RemMemReg, slot(region));
  }

  /** Starts ring `index`. */
  startRing(index: number, { size, addresses, base, kickFd, callFd, errorFd }: FrontEndRing): void {
    const address = new Uint32Array(VRING_ADDR_SIZE / 4);
    writeVringAddr(address, 0, { ...addresses, index, flags: 0, logAddress: 0 });
    this.tell(FrontEndRequest.SetVringErr, [index, 0], [errorFd]);
    this.tell(FrontEndRequest.SetVringNum, [index, size]);
    this.tell(FrontEndRequest.SetVringBase, [index, base]);
    this.tell(FrontEndRequest.SetVringAddr, address);
    this.tell(FrontEndRequest.SetVringKick, [index, 0], [kickFd]);
    this.tell(FrontEndRequest.SetVringCall, [index, 0], [callFd]);
    if (this.protocolFeatures !== undefined) this.enableRing(index, true);
  }

  /** Lets ring `index` run, or not. */
  enableRing(index: number, isEnabled: boolean): void {
    this.tell(FrontEndRequest.SetVringEnable, [index, isEnabled ? 1 : 0]);
  }

  /** Stops ring `index` and returns how far it had come. */
  stopRing(index: number): number {
    return this.socket.ask(FrontEndRequest.GetVringBase, [index, 0]).words[1]!;
  }

  /** The device status as the back end has it; undefined when that was not negotiated. */
  readStatus(): number | undefined {
    return this.#has(ProtocolFeature.Status) ? this.#ask64(FrontEndRequest.GetStatus)[0] : undefined;
  }

  /** Sets the device status, if that was negotiated. */
  writeStatus(status: number): void {
    if (this.#has(ProtocolFeature.Status)) this.tell(FrontEndRequest.SetStatus, [status, 0]);
  }

  /** Reads `sizeBytes` bytes of the configuration space from `offset` on. */
  readConfig(offset: number, sizeBytes: number): Uint8Array {
    const { words } = this.socket.ask(FrontEndRequest.GetConfig, config(offset, new Uint8Array(sizeBytes)));
    return new Uint8Array(words.buffer, CONFIG_ACCESS_BYTES_OFFSET, sizeBytes);
  }

  /** Writes `bytes`, a multiple of 4, into the configuration space at `offset`. */
  writeConfig(offset: number, bytes: Uint8Array): void {
    this.tell(FrontEndRequest.SetConfig, config(offset, bytes));
  }

  /** Resets the device. */
  resetDevice(): void {
    this.tell(FrontEndRequest.ResetDevice);
  }

  /** The lengths of the device's shared memory regions, by their ids; none when that was not negotiated. */
  sharedMemory(): number[] {
    if (!this.#has(ProtocolFeature.ShmemMap)) return [];
    const { words } = this.socket.ask(FrontEndRequest.GetShmemConfig);
    return [...new BigUint64Array(words.buffer, SHMEM_CONFIG_SIZES_OFFSET)].map(Number);
  }

  /** Hands over one end of a socket for messages that the back end begins. */
  setBackEndChannel(fd: number): void {
    this.tell(FrontEndRequest.SetBackendReqFd, [], [fd]);
  }

  /** Hands over one end of a socket for what the screens show. */
  setGpuSocket(fd: number): void {
    this.tell(FrontEndRequest.GpuSetSocket, [], [fd]);
  }

  /** Sends a request that has no reply of its own. Throws `Error` when it is refused. */
  tell(request: number, words: ArrayLike<number> = [], fds: readonly number[] = []): void {
    if (!this.#has(ProtocolFeature.ReplyAck)) return this.socket.send(request, words, fds);
    const { words: [result] } = this.socket.ask(request, words, fds, VHOST_USER_VERSION | MessageFlag.NeedReply);
    if (result !== 0) throw new Error(`The back end refuses request ${request}`);
  }

  #ask64(request: number): [low: number, high: number] {
    const { words } = this.socket.ask(request);
    return [words[0]!, words[1]!];
  }

  #has(feature: number): boolean {
    return ((this.protocolFeatures ?? 0) >>> feature & 1) === 1;
  }
}

function slot(region: SharedRegion): Uint32Array {
  const words = new Uint32Array(MEMORY_SLOT_SIZE / 4);
  writeMemorySlot(words, 0, { region });
  return words;
}

function config(offset: number, bytes: Uint8Array): Uint32Array {
  const words = new Uint32Array(CONFIG_ACCESS_BYTES_OFFSET / 4 + Math.ceil(bytes.length / 4));
  writeConfigAccess(words, 0, { offset, sizeBytes: bytes.length, flags: 0 });
  new Uint8Array(words.buffer).set(bytes, CONFIG_ACCESS_BYTES_OFFSET);
  return words;
}
