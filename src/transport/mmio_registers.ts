import { MMIO_MAGIC_VALUE, MMIO_VERSION, MmioRegister, PCI_VENDOR_ID } from "../virtio/virtio.gen.ts";
import type { DriverSession } from "./driver_session.ts";
import type { QueueAddress } from "./queue_registers.ts";
import type { Register } from "./registers.ts";

/** What both halves of a length or an address read where there is no shared memory region. */
const NO_REGION = 0xffffffff;

/**
 * The control registers over a session. Virtio 1.4, 4.2.2. `sharedMemoryAddresses` has the guest address of each shared
 * memory region by its id.
 */
export function mmioRegisters(
  session: DriverSession,
  sharedMemoryAddresses: Readonly<Record<number, number>>,
): Register[] {
  const { device } = session;
  return [
    readable(MmioRegister.MagicValue, () => MMIO_MAGIC_VALUE),
    readable(MmioRegister.Version, () => MMIO_VERSION),
    readable(MmioRegister.DeviceId, () => device.deviceId),
    readable(MmioRegister.VendorId, () => PCI_VENDOR_ID),
    readable(MmioRegister.DeviceFeatures, () => session.deviceFeatures),
    writable(MmioRegister.DeviceFeaturesSel, (value) => session.deviceFeatureSelect = value),
    writable(MmioRegister.DriverFeatures, (value) => session.driverFeatures = value),
    writable(MmioRegister.DriverFeaturesSel, (value) => session.driverFeatureSelect = value),
    writable(MmioRegister.QueueSel, (value) => session.queueSelect = value),
    readable(MmioRegister.QueueSizeMax, () => device.queueSizes[session.queueSelect] ?? 0),
    writable(MmioRegister.QueueSize, (size) => session.setQueue({ size })),
    register(MmioRegister.QueueReady, () => session.queue?.isEnabled ? 1 : 0, (value) => {
      if (value === 1) session.setQueue({ isEnabled: true });
      else if (value === 0) session.stopQueue();
    }),
    writable(MmioRegister.QueueNotify, (queue) => session.notify(queue)),
    readable(MmioRegister.InterruptStatus, () => session.interruptStatus),
    writable(MmioRegister.InterruptAck, (bits) => session.acknowledgeInterrupt(bits)),
    register(MmioRegister.Status, () => session.status, (value) => session.status = value),
    queueAddress(MmioRegister.QueueDescLow, "descriptorLow"),
    queueAddress(MmioRegister.QueueDescHigh, "descriptorHigh"),
    queueAddress(MmioRegister.QueueDriverLow, "availableLow"),
    queueAddress(MmioRegister.QueueDriverHigh, "availableHigh"),
    queueAddress(MmioRegister.QueueDeviceLow, "usedLow"),
    queueAddress(MmioRegister.QueueDeviceHigh, "usedHigh"),
    writable(MmioRegister.ShmSel, (value) => session.sharedMemorySelect = value),
    readable(MmioRegister.ShmLenLow, () => lowHalf(sharedMemoryBytes())),
    readable(MmioRegister.ShmLenHigh, () => highHalf(sharedMemoryBytes())),
    readable(MmioRegister.ShmBaseLow, () => lowHalf(sharedMemoryAddress())),
    readable(MmioRegister.ShmBaseHigh, () => highHalf(sharedMemoryAddress())),
    writable(MmioRegister.QueueReset, (value) => {
      if (value === 1) session.resetQueue(); // done at once: the register always reads 0
    }),
    readable(MmioRegister.ConfigGeneration, () => device.configGeneration >>> 0),
  ];

  function queueAddress(offset: number, name: QueueAddress): Register {
    return writable(offset, (value) => session.setQueue({ [name]: value }));
  }

  function sharedMemoryBytes(): number | undefined {
    return device.sharedMemory.find(({ id }) => id === session.sharedMemorySelect)?.lengthBytes;
  }

  function sharedMemoryAddress(): number | undefined {
    return sharedMemoryBytes() === undefined ? undefined : sharedMemoryAddresses[session.sharedMemorySelect];
  }
}

function register(offset: number, read: () => number, write: (value: number) => void): Register {
  return { offset, bytes: 4, read, write };
}

/** A register that ignores what is written. */
function readable(offset: number, read: () => number): Register {
  return register(offset, read, () => {});
}

/** A register that reads 0. */
function writable(offset: number, write: (value: number) => void): Register {
  return register(offset, () => 0, write);
}

function lowHalf(value: number | undefined): number {
  return value === undefined ? NO_REGION : value % 2 ** 32;
}

function highHalf(value: number | undefined): number {
  return value === undefined ? NO_REGION : Math.floor(value / 2 ** 32);
}
