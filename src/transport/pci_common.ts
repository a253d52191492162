import { CommonCfg, commonCfgWidth, MSI_NO_VECTOR } from "../virtio/virtio.gen.ts";
import type { DriverSession } from "./driver_session.ts";
import type { QueueAddress } from "./queue_registers.ts";
import type { Register } from "./registers.ts";

/** The registers of the common configuration structure over a session. Virtio 1.4, 4.1.4.3. */
export function commonRegisters(session: DriverSession): Register[] {
  const ignore = () => {};
  return [
    register(CommonCfg.DeviceFeatureSelect, () => session.deviceFeatureSelect, (value) => {
      session.deviceFeatureSelect = value;
    }),
    register(CommonCfg.DeviceFeature, () => session.deviceFeatures, ignore),
    register(CommonCfg.DriverFeatureSelect, () => session.driverFeatureSelect, (value) => {
      session.driverFeatureSelect = value;
    }),
    register(CommonCfg.DriverFeature, () => session.driverFeatures, (value) => {
      session.driverFeatures = value;
    }),
    register(CommonCfg.ConfigMsixVector, () => MSI_NO_VECTOR, ignore),
    register(CommonCfg.NumQueues, () => session.device.queueSizes.length, ignore),
    register(CommonCfg.DeviceStatus, () => session.status, (value) => {
      session.status = value;
    }),
    register(CommonCfg.ConfigGeneration, () => session.device.configGeneration & 0xff, ignore),
    register(CommonCfg.QueueSelect, () => session.queueSelect, (value) => {
      session.queueSelect = value;
    }),
    register(CommonCfg.QueueSize, () => session.queue?.size ?? 0, (size) => session.setQueue({ size })),
    register(CommonCfg.QueueMsixVector, () => MSI_NO_VECTOR, ignore),
    register(CommonCfg.QueueEnable, () => session.queue?.isEnabled ? 1 : 0, (value) => {
      if (value === 1) session.setQueue({ isEnabled: true });
    }),
    register(CommonCfg.QueueNotifyOff, () => session.queue === undefined ? 0 : session.queueSelect, ignore),
    queueAddress(CommonCfg.QueueDescLow, "descriptorLow"),
    queueAddress(CommonCfg.QueueDescHigh, "descriptorHigh"),
    queueAddress(CommonCfg.QueueDriverLow, "availableLow"),
    queueAddress(CommonCfg.QueueDriverHigh, "availableHigh"),
    queueAddress(CommonCfg.QueueDeviceLow, "usedLow"),
    queueAddress(CommonCfg.QueueDeviceHigh, "usedHigh"),
    register(CommonCfg.QueueReset, () => 0, (value) => {
      if (value === 1) session.resetQueue();
    }),
  ];

  function queueAddress(offset: number, name: QueueAddress): Register {
    return register(offset, () => session.queue?.[name] ?? 0, (value) => session.setQueue({ [name]: value }));
  }
}

function register(offset: number, read: () => number, write: (value: number) => void): Register {
  return { offset, bytes: commonCfgWidth(offset), read, write };
}
