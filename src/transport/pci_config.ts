import type { VirtioDevice } from "../virtio/virtio_device.ts";
import {
  COMMON_CFG_SIZE,
  PCI_CAP64_SIZE,
  PCI_CAP_ID_VNDR,
  PCI_CAP_SIZE,
  PCI_CLASS_DISPLAY_OTHER,
  PCI_DEVICE_ID_BASE,
  PCI_NOTIFY_CAP_SIZE,
  PCI_REVISION_ID,
  PCI_VENDOR_ID,
  PciCap,
  PciCap64,
  PciCfgType,
  PciNotifyCap,
} from "../virtio/virtio.gen.ts";

/** How a function looks to its bus; everything has a default. */
export interface PciOptions {
  /** Number of the base address register with the registers, 0 to 5; 0 when absent. */
  readonly bar?: number;
  /** Whether that register is in I/O space rather than memory space; false when absent. */
  readonly isIoBar?: boolean;
  /** Number of the base address register of the device's shared memory, 0 to 4; 2 when absent. It is a 64-bit one. */
  readonly sharedMemoryBar?: number;
}

/*
 * The range behind the base address register:
 *
 *   0x00 common configuration   0x40 notifications   0x50 interrupt status   0x60 device configuration   0x80 end
 *
 * It is this small because v86 offers I/O ports and a handler for each.
 */

/** Where the notification registers begin. */
export const NOTIFY_AT: number = COMMON_CFG_SIZE;
/** Bytes from a queue's notification register to the next one's. */
export const NOTIFY_STRIDE_BYTES = 4;
/** Where the interrupt status is. */
export const ISR_AT = 0x50;
/** Where the device configuration begins. */
export const CONFIG_AT = 0x60;
/** Size of the range in bytes. */
export const BAR_BYTES = 0x80;

const MAX_QUEUES = (ISR_AT - NOTIFY_AT) / NOTIFY_STRIDE_BYTES;
const CONFIG_SPACE_BYTES = 256;

// The header's fields. PCI Local Bus 3.0, 6.1.
const VENDOR_ID = 0x00;
const DEVICE_ID = 0x02;
const STATUS = 0x06;
const REVISION_ID = 0x08;
const CLASS = 0x0a;
const BASE_ADDRESS = 0x10;
const SUBSYSTEM_VENDOR_ID = 0x2c;
const SUBSYSTEM_ID = 0x2e;
const CAPABILITIES_POINTER = 0x34;
const INTERRUPT_PIN = 0x3d;
const FIRST_CAPABILITY = 0x40;

const STATUS_CAPABILITIES = 0x10;
const PIN_INTA = 1;
const BAR_IO = 0x1;
const BAR_64_BIT_PREFETCHABLE = 0xc;

/** Makes the configuration space of `device`: header, and a list of vendor capabilities. Virtio 1.4, 4.1.2 and 4.1.4. */
export function pciConfigSpace(device: VirtioDevice, options: PciOptions): Uint8Array {
  const { bar = 0, isIoBar = false, sharedMemoryBar = 2 } = options;
  if (device.queueSizes.length > MAX_QUEUES || device.config.length > BAR_BYTES - CONFIG_AT) {
    throw new RangeError(`Cannot put device ${device.deviceId} behind PCI: it has too many queues or configuration`);
  }
  const space = new Uint8Array(CONFIG_SPACE_BYTES);
  const view = new DataView(space.buffer);
  view.setUint16(VENDOR_ID, PCI_VENDOR_ID, true);
  view.setUint16(DEVICE_ID, PCI_DEVICE_ID_BASE + device.deviceId, true);
  view.setUint16(STATUS, STATUS_CAPABILITIES, true);
  view.setUint8(REVISION_ID, PCI_REVISION_ID);
  view.setUint16(CLASS, PCI_CLASS_DISPLAY_OTHER, true);
  view.setUint16(SUBSYSTEM_VENDOR_ID, PCI_VENDOR_ID, true);
  view.setUint16(SUBSYSTEM_ID, PCI_DEVICE_ID_BASE + device.deviceId, true);
  view.setUint8(INTERRUPT_PIN, PIN_INTA);
  view.setUint32(BASE_ADDRESS + bar * 4, isIoBar ? BAR_IO : 0, true);
  if (device.sharedMemory.length > 0) view.setUint32(BASE_ADDRESS + sharedMemoryBar * 4, BAR_64_BIT_PREFETCHABLE, true);

  const list = new CapabilityList(view);
  list.add(PciCfgType.CommonCfg, bar, 0, COMMON_CFG_SIZE, PCI_CAP_SIZE);
  const notify = list.add(PciCfgType.NotifyCfg, bar, NOTIFY_AT, ISR_AT - NOTIFY_AT, PCI_NOTIFY_CAP_SIZE);
  view.setUint32(notify + PciNotifyCap.NotifyOffMultiplier, NOTIFY_STRIDE_BYTES, true);
  list.add(PciCfgType.IsrCfg, bar, ISR_AT, 4, PCI_CAP_SIZE);
  list.add(PciCfgType.DeviceCfg, bar, CONFIG_AT, BAR_BYTES - CONFIG_AT, PCI_CAP_SIZE);
  let offset = 0;
  for (const { id, lengthBytes } of device.sharedMemory) {
    const at = list.add(PciCfgType.SharedMemoryCfg, sharedMemoryBar, offset, lengthBytes, PCI_CAP64_SIZE);
    view.setUint8(at + PciCap.Id, id);
    view.setUint32(at + PciCap64.OffsetHi, Math.floor(offset / 2 ** 32), true);
    view.setUint32(at + PciCap64.LengthHi, Math.floor(lengthBytes / 2 ** 32), true);
    offset += lengthBytes;
  }
  return space;
}

/** Appends vendor capabilities to a configuration space, each linked from the one before. */
class CapabilityList {
  readonly #view: DataView;
  #next = FIRST_CAPABILITY;
  #link = CAPABILITIES_POINTER;

  constructor(view: DataView) {
    this.#view = view;
  }

  /** Adds one of `bytes` bytes that points at `lengthBytes` from `offset` on behind `bar`; returns where it begins. */
  add(type: PciCfgType, bar: number, offset: number, lengthBytes: number, bytes: number): number {
    const view = this.#view;
    const at = this.#next;
    view.setUint8(this.#link, at);
    view.setUint8(at + PciCap.CapVndr, PCI_CAP_ID_VNDR);
    view.setUint8(at + PciCap.CapLen, bytes);
    view.setUint8(at + PciCap.CfgType, type);
    view.setUint8(at + PciCap.Bar, bar);
    view.setUint32(at + PciCap.Offset, offset, true);
    view.setUint32(at + PciCap.Length, lengthBytes, true);
    this.#link = at + PciCap.CapNext;
    this.#next = Math.ceil((at + bytes) / 4) * 4;
    return at;
  }
}
