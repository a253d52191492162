import { assertEquals } from "@std/assert";
import type { VirtioPci } from "../../../src/transport/pci.ts";
import { CommonCfg, commonCfgWidth, DeviceStatus } from "../../../src/virtio/virtio.gen.ts";
import type { FeatureSet } from "../../../src/virtio/virtio_device.ts";

/** Where a driver puts a virtqueue. */
export interface QueuePlace {
  readonly index: number;
  readonly size: number;
  /** Guest addresses of its parts. */
  readonly descriptors: number;
  readonly available: number;
  readonly used: number;
}

/** The status of a device that its driver has started. */
export const READY: number = DeviceStatus.Acknowledge | DeviceStatus.Driver | DeviceStatus.FeaturesOk |
  DeviceStatus.DriverOk;

/** Starts a device that is reset: these features, these queues. Virtio 1.4, 3.1.1. */
export function startDevice(pci: VirtioPci, features: FeatureSet, queues: readonly QueuePlace[]): void {
  const write = (register: number, value: number) => pci.writeBar(register, commonCfgWidth(register), value);
  const writeAddress = (register: number, address: number) => {
    write(register, address % 2 ** 32);
    write(register + 4, Math.floor(address / 2 ** 32));
  };
  write(CommonCfg.DeviceStatus, DeviceStatus.Acknowledge | DeviceStatus.Driver);
  [features.low, features.high].forEach((word, select) => {
    write(CommonCfg.DriverFeatureSelect, select);
    write(CommonCfg.DriverFeature, word);
  });
  write(CommonCfg.DeviceStatus, READY & ~DeviceStatus.DriverOk);
  for (const queue of queues) {
    write(CommonCfg.QueueSelect, queue.index);
    write(CommonCfg.QueueSize, queue.size);
    writeAddress(CommonCfg.QueueDescLow, queue.descriptors);
    writeAddress(CommonCfg.QueueDriverLow, queue.available);
    writeAddress(CommonCfg.QueueDeviceLow, queue.used);
    write(CommonCfg.QueueEnable, 1);
  }
  write(CommonCfg.DeviceStatus, READY);
  assertEquals(pci.readBar(CommonCfg.DeviceStatus, 1), READY, "the device status after the start");
}
