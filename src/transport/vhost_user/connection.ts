import type { GuestMemory } from "../../memory/guest_memory.ts";
import { DeviceStatus, VirtioFeature } from "../../virtio/virtio.gen.ts";
import { featureSet, type VirtioDevice } from "../../virtio/virtio_device.ts";
import { BackEndChannel } from "./back_end_channel.ts";
import { DeviceRings } from "./device_rings.ts";
import { FrontEndWindow } from "./front_end_window.ts";
import type { VhostUserHost } from "./host.ts";
import { MEMORY_SLOTS, MemoryTable } from "./memory_table.ts";
import { type Message, MessageReader } from "./message_reader.ts";
import { ReplyWriter } from "./reply_writer.ts";
import {
  BackEndRequest,
  CONFIG_ACCESS_BYTES_OFFSET,
  FEATURE_PROTOCOL_FEATURES,
  FrontEndRequest,
  MAX_CONFIG_BYTES,
  MEMORY_REGION_SIZE,
  MEMORY_TABLE_REGIONS_OFFSET,
  MessageFlag,
  ProtocolFeature,
  readConfigAccess,
  readMemoryRegion,
  readMemorySlot,
  readMemoryTable,
  readU64Payload,
  readVringState,
  requestRules,
} from "./vhost_user.gen.ts";
import { carryOutVringRequest } from "./vring_requests.ts";

/** What follows from bytes of a front end, besides reading on. */
export type Answer =
  /** Send these bytes, which are valid until the connection's next call. */
  | { readonly reply: Uint8Array }
  /** Close the socket, for this reason; the connection has let go of everything. */
  | { readonly close: string };

/** How a request ended: with a reply, or refused for a reason, or without a word. */
type Outcome = Uint8Array | string | undefined;

/** What is offered for a device without shared memory regions. */
const PLAIN_FEATURES = featureSet(
  ...Object.values(ProtocolFeature).filter((bit) =>
    bit !== ProtocolFeature.BackendSendFd && bit !== ProtocolFeature.ShmemMap
  ),
).low;

/**
 * What is offered for a device with one. QEMU 11.1 ends by a SIGSEGV when a guest starts anew after a file was shown, if it is
 * to take regions of memory away one by one: it looks for the file's memory, which its reset has freed.
 */
const REGION_FEATURES = featureSet(
  ...Object.values(ProtocolFeature).filter((bit) => bit !== ProtocolFeature.ConfigureMemSlots),
).low;

/** What it takes besides a channel to show a file in a shared memory region: the answer, too, since the guest waits for it. */
const WINDOW_FEATURES = featureSet(
  ProtocolFeature.ReplyAck,
  ProtocolFeature.BackendReq,
  ProtocolFeature.BackendSendFd,
  ProtocolFeature.ShmemMap,
).low;

/** What a driver may accept though the device does not offer it: the front end carries RING_RESET out by itself. */
const FRONT_END_FEATURES = featureSet(FEATURE_PROTOCOL_FEATURES, VirtioFeature.RingReset);

const OK = 0;
const REFUSED = 1;

/**
 * One front end's connection to a device by vhost-user, without its socket. It owns every file descriptor and mapping that
 * the front end has given until `close`, which a front end's going and every answer of the kind `close` must end with. The
 * device is reset at the end. No front end makes it throw.
 */
export class VhostUserConnection {
  readonly #device: VirtioDevice;
  readonly #host: VhostUserHost;
  readonly #memory: MemoryTable;
  readonly #rings: DeviceRings;
  readonly #reader = new MessageReader();
  readonly #replies = new ReplyWriter();
  readonly #channel: BackEndChannel;
  readonly #window: FrontEndWindow | undefined;
  readonly #offeredProtocolFeatures: number;
  #protocolFeatures = 0;
  #status = 0;
  #hasGpuSocket = false;
  #isClosed = false;

  /** A new connection to a device that is reset, whose guest's memory is `guest`, without regions so far. */
  constructor(device: VirtioDevice, guest: GuestMemory, host: VhostUserHost) {
    this.#device = device;
    this.#host = host;
    this.#memory = new MemoryTable(guest, host);
    this.#rings = new DeviceRings(device, guest, this.#memory, host, () => this.#tellConfigChanged());
    this.#channel = new BackEndChannel(host);
    const [region] = device.sharedMemory;
    this.#window = region && new FrontEndWindow(region, this.#channel, () => this.#canShow);
    this.#offeredProtocolFeatures = region === undefined ? PLAIN_FEATURES : REGION_FEATURES;
    host.setWindow(this.#window);
  }

  /** How many bytes to read from the socket at most: a read that went further could mix two messages' file descriptors. */
  get wantedBytes(): number {
    return this.#reader.wantedBytes;
  }

  /**
   * Takes what one read from the socket brought: 1 to `wantedBytes` bytes, and the file descriptors that came with them,
   * which the connection owns from now on. Undefined means to read on. Throws `RangeError` for more bytes than wanted.
   */
  receive(bytes: Uint8Array, fds: readonly number[]): Answer | undefined {
    if (this.#isClosed) {
      this.#closeFds(fds);
      return { close: "the connection is closed" };
    }
    const message = this.#reader.take(bytes, fds);
    if (message === undefined) return undefined;
    return typeof message === "string" ? this.#end(message) : this.#answer(message);
  }

  /** There may be buffers in a ring, whatever its number: its kick was signalled, or the host was asked for this call. */
  notify(queue: number): void {
    this.#rings.notify(queue);
  }

  /** The front end has gone, or must go: resets the device, closes and unmaps everything. Void the second time. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#rings.close();
    this.#memory.clear();
    this.#channel.set(undefined);
    this.#host.setWindow(undefined);
    this.#host.setGpuSocket(undefined);
    this.#closeFds(this.#reader.takeFds());
  }

  #end(reason: string): Answer {
    this.close();
    return { close: reason };
  }

  #answer(message: Message): Answer | undefined {
    const { request, flags } = message.header;
    const rules = requestRules(request);
    const outcome = this.#refusal(message) ?? this.#carryOut(message);
    this.#closeFds(message.fds);
    if (outcome instanceof Uint8Array) return { reply: outcome };
    const reason = outcome && `${rules?.name ?? "a request"} is refused: ${outcome}`;
    const isAcknowledged = (flags & MessageFlag.NeedReply) !== 0 && this.#has(ProtocolFeature.ReplyAck);
    if (isAcknowledged && !rules?.hasReply) {
      if (reason !== undefined) this.#host.report(reason);
      return { reply: this.#replies.u64(request, reason === undefined ? OK : REFUSED) };
    }
    return reason === undefined ? undefined : this.#end(reason);
  }

  /** Why a request must not even begin, or undefined. */
  #refusal({ header: { request, sizeBytes }, fds }: Message): string | undefined {
    const rules = requestRules(request);
    if (rules === undefined) return `${request} is no request that is known`;
    if (sizeBytes < rules.leastPayloadBytes || sizeBytes > rules.mostPayloadBytes) return `it has ${sizeBytes} bytes`;
    if (fds.length < rules.leastFds || fds.length > rules.mostFds) return `${fds.length} file descriptors come with it`;
    if (rules.feature !== undefined && !this.#has(rules.feature)) return "its protocol feature was not negotiated";
    return undefined;
  }

  #carryOut(message: Message): Outcome {
    const { words, fds } = message;
    const request = message.header.request as FrontEndRequest; // it has rules
    switch (request) {
      case FrontEndRequest.GetFeatures: {
        const { low, high } = this.#device.offeredFeatures;
        return this.#replies.u64(request, (low | 1 << FEATURE_PROTOCOL_FEATURES) >>> 0, high);
      }
      case FrontEndRequest.SetFeatures:
        return this.#setFeatures(message);
      case FrontEndRequest.GetProtocolFeatures:
        return this.#replies.u64(request, this.#offeredProtocolFeatures);
      case FrontEndRequest.SetProtocolFeatures:
        return this.#setProtocolFeatures(message);
      case FrontEndRequest.SetOwner:
        break; // whoever is connected is the owner
      case FrontEndRequest.ResetOwner:
        this.#rings.enableAll(false);
        break;
      case FrontEndRequest.ResetDevice:
        this.#window?.stop();
        this.#rings.reset();
        this.#status = 0;
        break;
      case FrontEndRequest.SetMemTable:
        return this.#setMemTable(message);
      case FrontEndRequest.AddMemReg:
        return this.#changeMemory(this.#memory.add(readMemorySlot(words, 0).region, fds[0]!));
      case FrontEndRequest.RemMemReg:
        return this.#changeMemory(this.#memory.remove(readMemorySlot(words, 0).region));
      case FrontEndRequest.GetMaxMemSlots:
        return this.#replies.u64(request, MEMORY_SLOTS);
      case FrontEndRequest.SetVringNum:
      case FrontEndRequest.SetVringAddr:
      case FrontEndRequest.SetVringBase:
      case FrontEndRequest.SetVringKick:
      case FrontEndRequest.SetVringCall:
      case FrontEndRequest.SetVringErr:
      case FrontEndRequest.SetVringEnable:
        return carryOutVringRequest(this.#rings, message);
      case FrontEndRequest.GetVringBase:
        return this.#getVringBase(message);
      case FrontEndRequest.GetQueueNum:
        return this.#replies.u64(request, this.#device.queueSizes.length);
      case FrontEndRequest.GetConfig:
        return this.#getConfig(message);
      case FrontEndRequest.SetConfig:
        return this.#setConfig(message);
      case FrontEndRequest.GetStatus:
        return this.#replies.u64(request, this.#status | (this.#rings.hasFailed ? DeviceStatus.DeviceNeedsReset : 0));
      case FrontEndRequest.SetStatus:
        return this.#setStatus(message);
      case FrontEndRequest.SetBackendReqFd:
        this.#channel.set(fds.pop());
        break;
      case FrontEndRequest.GetShmemConfig:
        return this.#replies.sharedMemory(request, this.#canShow ? this.#device.sharedMemory : []);
      case FrontEndRequest.GpuSetSocket:
        this.#hasGpuSocket = true;
        this.#host.setGpuSocket(fds.pop());
        break;
      default:
        request satisfies never;
    }
    return undefined;
  }

  #setFeatures({ words }: Message): Outcome {
    const { valueLow, valueHigh } = readU64Payload(words, 0);
    const { low, high } = this.#device.offeredFeatures;
    const isOffered = (valueLow & ~(low | FRONT_END_FEATURES.low)) === 0 &&
      (valueHigh & ~(high | FRONT_END_FEATURES.high)) === 0;
    if (!isOffered) return `the features 0x${hex(valueHigh)}${hex(valueLow)} are not all offered`;
    const problem = this.#rings.setFeatures({ low: (valueLow & low) >>> 0, high: (valueHigh & high) >>> 0 });
    if (problem !== undefined) return problem;
    if ((valueLow >>> FEATURE_PROTOCOL_FEATURES & 1) === 0) this.#rings.enableAll(true);
    return undefined;
  }

  #setProtocolFeatures({ words }: Message): Outcome {
    const { valueLow, valueHigh } = readU64Payload(words, 0);
    const isOffered = (valueLow & ~this.#offeredProtocolFeatures) === 0 && valueHigh === 0;
    if (!isOffered) return `the protocol features 0x${hex(valueHigh)}${hex(valueLow)} are not all offered`;
    this.#protocolFeatures = valueLow;
    return undefined;
  }

  #setMemTable({ header: { sizeBytes }, words, fds }: Message): Outcome {
    const { numRegions } = readMemoryTable(words, 0);
    const wantedBytes = MEMORY_TABLE_REGIONS_OFFSET + numRegions * MEMORY_REGION_SIZE;
    if (sizeBytes < wantedBytes) return `it has ${sizeBytes} bytes for ${numRegions} regions`;
    const regions = Array.from({ length: numRegions }, (_, index) => {
      return readMemoryRegion(words, (MEMORY_TABLE_REGIONS_OFFSET + index * MEMORY_REGION_SIZE) / 4);
    });
    return this.#changeMemory(this.#memory.replace(regions, fds));
  }

  /** Lets the rings follow a change of the memory, or an attempt at one, that ended with `problem`. */
  #changeMemory(problem: string | undefined): Outcome {
    this.#rings.memoryChanged();
    return problem;
  }

  #getVringBase({ header: { request }, words }: Message): Outcome {
    const { index } = readVringState(words, 0);
    const ring = this.#rings.rings[index];
    if (ring === undefined) return "there is no such ring";
    this.#window?.stop();
    ring.stop();
    return this.#replies.vringState(request, { index, num: ring.nextAvailable });
  }

  #getConfig({ header: { request, sizeBytes }, words }: Message): Outcome {
    const access = readConfigAccess(words, 0);
    const isWhole = sizeBytes === CONFIG_ACCESS_BYTES_OFFSET + access.sizeBytes;
    if (!isWhole || access.offset + access.sizeBytes > MAX_CONFIG_BYTES) return this.#replies.empty(request);
    return this.#replies.config(request, access, this.#device.config);
  }

  #setConfig({ header, words }: Message): Outcome {
    const { offset, sizeBytes, flags } = readConfigAccess(words, 0);
    const isWhole = header.sizeBytes === CONFIG_ACCESS_BYTES_OFFSET + sizeBytes;
    if (!isWhole || offset + sizeBytes > MAX_CONFIG_BYTES || flags > 1) return "it fits no configuration space";
    const bytes = new DataView(words.buffer, words.byteOffset + CONFIG_ACCESS_BYTES_OFFSET, sizeBytes);
    let at = 0;
    for (; at + 4 <= sizeBytes; at += 4) this.#device.writeConfig(offset + at, 4, bytes.getUint32(at, true));
    for (; at < sizeBytes; at++) this.#device.writeConfig(offset + at, 1, bytes.getUint8(at));
    return undefined;
  }

  #setStatus({ words }: Message): Outcome {
    const { valueLow, valueHigh } = readU64Payload(words, 0);
    if (valueHigh !== 0 || valueLow > 0xff) return "a status has eight bits";
    if (valueLow === 0) this.#suspend();
    this.#status = valueLow & ~DeviceStatus.DeviceNeedsReset;
    if (!this.#rings.hasFeatures) this.#status &= ~DeviceStatus.FeaturesOk;
    return undefined;
  }

  #suspend(): void {
    this.#window?.stop();
    this.#rings.suspend();
  }

  /** A front end that takes the display socket changes the screens' sizes itself: QEMU, where this message is an error. */
  #tellConfigChanged(): void {
    const isTaken = this.#has(ProtocolFeature.BackendReq) && this.#has(ProtocolFeature.Config) && !this.#hasGpuSocket;
    if (isTaken) this.#channel.tell(BackEndRequest.ConfigChangeMsg);
  }

  /** Whether the front end has agreed on all that it takes to show a file in a shared memory region. */
  get #canShow(): boolean {
    return (this.#protocolFeatures & WINDOW_FEATURES) === WINDOW_FEATURES;
  }

  #has(feature: ProtocolFeature): boolean {
    return (this.#protocolFeatures >>> feature & 1) === 1;
  }

  #closeFds(fds: readonly number[]): void {
    for (const fd of fds) this.#host.closeFd(fd);
  }
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
