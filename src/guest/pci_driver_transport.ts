import {
  CommonCfg,
  commonCfgWidth,
  PCI_CAP_ID_VNDR,
  PciCap,
  PciCap64,
  PciCfgType,
  PciNotifyCap,
} from "../virtio/virtio.gen.ts";
import type { DriverQueue } from "./driver_queue.ts";
import type { DriverTransport, SharedMemoryPlace } from "./driver_transport.ts";

/** A PCI function as a driver sees it: its configuration space and the range behind its base address register. */
export interface PciFunction {
  /** The configuration space. */
  readonly configSpace: Uint8Array;
  /** Reads `bytes` (1, 2 or 4) at `offset` of the range. */
  readBar(offset: number, bytes: number): number;
  /** Writes `bytes` at `offset` of the range. */
  writeBar(offset: number, bytes: number, value: number): void;
}

const BASE_ADDRESS = 0x10;
const CAPABILITIES_POINTER = 0x34;
const MEMORY_FLAGS = 0xf; // of a base address register, below the address

/** A driver's way to a device behind modern virtio-pci: it finds everything by the capabilities. Virtio 1.4, 4.1.4. */
export class PciDriverTransport implements DriverTransport {
  readonly #function: PciFunction;
  readonly #commonAt: number;
  readonly #notifyAt: number;
  readonly #notifyMultiplier: number;
  readonly #isrAt: number;
  readonly #configAt: number;

  /** Walks the capability list. Throws `Error` when one that a driver needs is missing. */
  constructor(pci: PciFunction) {
    this.#function = pci;
    const space = viewOf(pci.configSpace);
    const find = (type: number) => requireCapability(space, type);
    const offset = (at: number) => space.getUint32(at + PciCap.Offset, true);
    const notify = find(PciCfgType.NotifyCfg);
    this.#commonAt = offset(find(PciCfgType.CommonCfg));
    this.#notifyAt = offset(notify);
    this.#notifyMultiplier = space.getUint32(notify + PciNotifyCap.NotifyOffMultiplier, true);
    this.#isrAt = offset(find(PciCfgType.IsrCfg));
    this.#configAt = offset(find(PciCfgType.DeviceCfg));
  }

  readStatus(): number {
    return this.#read(CommonCfg.DeviceStatus);
  }

  writeStatus(status: number): void {
    this.#write(CommonCfg.DeviceStatus, status);
  }

  readFeatures(select: number): number {
    this.#write(CommonCfg.DeviceFeatureSelect, select);
    return this.#read(CommonCfg.DeviceFeature);
  }

  writeFeatures(select: number, features: number): void {
    this.#write(CommonCfg.DriverFeatureSelect, select);
    this.#write(CommonCfg.DriverFeature, features);
  }

  readQueueSize(index: number): number {
    this.#write(CommonCfg.QueueSelect, index);
    return this.#read(CommonCfg.QueueSize);
  }

  enableQueue(index: number, queue: DriverQueue): void {
    this.#write(CommonCfg.QueueSelect, index);
    this.#write(CommonCfg.QueueSize, queue.size);
    this.#writeAddress(CommonCfg.QueueDescLow, queue.descriptors);
    this.#writeAddress(CommonCfg.QueueDriverLow, queue.available);
    this.#writeAddress(CommonCfg.QueueDeviceLow, queue.used);
    this.#write(CommonCfg.QueueEnable, 1);
  }

  kick(index: number): void {
    this.#function.writeBar(this.#notifyAt + index * this.#notifyMultiplier, 2, index);
  }

  takeInterrupt(): number {
    return this.#function.readBar(this.#isrAt, 1);
  }

  readConfig(offset: number, bytes: number): number {
    return this.#function.readBar(this.#configAt + offset, bytes);
  }

  writeConfig(offset: number, bytes: number, value: number): void {
    this.#function.writeBar(this.#configAt + offset, bytes, value);
  }

  readConfigGeneration(): number {
    return this.#read(CommonCfg.ConfigGeneration);
  }

  findSharedMemory(id: number): SharedMemoryPlace | undefined {
    const space = viewOf(this.#function.configSpace);
    const at = capabilities(space, PciCfgType.SharedMemoryCfg).find((at) => space.getUint8(at + PciCap.Id) === id);
    if (at === undefined) return undefined;
    const base = BASE_ADDRESS + space.getUint8(at + PciCap.Bar) * 4;
    const offset = wide(space, at + PciCap.Offset, at + PciCap64.OffsetHi);
    return {
      guestAddress: wide(space, base, base + 4) - (space.getUint8(base) & MEMORY_FLAGS) + offset,
      lengthBytes: wide(space, at + PciCap.Length, at + PciCap64.LengthHi),
    };
  }

  #read(register: number): number {
    return this.#function.readBar(this.#commonAt + register, commonCfgWidth(register));
  }

  #write(register: number, value: number): void {
    this.#function.writeBar(this.#commonAt + register, commonCfgWidth(register), value);
  }

  #writeAddress(register: number, address: number): void {
    this.#write(register, address % 2 ** 32);
    this.#write(register + 4, Math.floor(address / 2 ** 32));
  }
}

function viewOf(space: Uint8Array): DataView {
  return new DataView(space.buffer, space.byteOffset, space.byteLength);
}

function requireCapability(space: DataView, type: number): number {
  const [at] = capabilities(space, type);
  if (at === undefined) throw new Error(`Cannot drive the function: it has no virtio capability of type ${type}`);
  return at;
}

/** Where the virtio capabilities of `type` begin, in the order of the list. */
function capabilities(space: DataView, type: number): number[] {
  const found: number[] = [];
  let at = space.getUint8(CAPABILITIES_POINTER);
  for (let left = 48; at !== 0 && left > 0; left--) {
    const isWanted = space.getUint8(at + PciCap.CapVndr) === PCI_CAP_ID_VNDR &&
      space.getUint8(at + PciCap.CfgType) === type;
    if (isWanted) found.push(at);
    at = space.getUint8(at + PciCap.CapNext);
  }
  return found;
}

/** A 64-bit number whose halves lie apart. */
function wide(space: DataView, lowAt: number, highAt: number): number {
  return space.getUint32(highAt, true) * 2 ** 32 + space.getUint32(lowAt, true);
}
