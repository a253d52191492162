import { CommonCfg, commonCfgWidth, PCI_CAP_ID_VNDR, PciCap, PciCfgType, PciNotifyCap } from "../virtio/virtio.gen.ts";
import type { DriverQueue } from "./driver_queue.ts";
import type { DriverTransport } from "./driver_transport.ts";

/** A PCI function as a driver sees it: its configuration space and the range behind its base address register. */
export interface PciFunction {
  /** The configuration space. */
  readonly configSpace: Uint8Array;
  /** Reads `bytes` (1, 2 or 4) at `offset` of the range. */
  readBar(offset: number, bytes: number): number;
  /** Writes `bytes` at `offset` of the range. */
  writeBar(offset: number, bytes: number, value: number): void;
}

const CAPABILITIES_POINTER = 0x34;

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
    const space = new DataView(pci.configSpace.buffer, pci.configSpace.byteOffset, pci.configSpace.byteLength);
    const find = (type: number) => findCapability(space, type);
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

function findCapability(space: DataView, type: number): number {
  let at = space.getUint8(CAPABILITIES_POINTER);
  for (let left = 48; at !== 0 && left > 0; left--) {
    const isWanted = space.getUint8(at + PciCap.CapVndr) === PCI_CAP_ID_VNDR &&
      space.getUint8(at + PciCap.CfgType) === type;
    if (isWanted) return at;
    at = space.getUint8(at + PciCap.CapNext);
  }
  throw new Error(`Cannot drive the function: it has no virtio capability of type ${type}`);
}
