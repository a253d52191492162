import type { PlainValue } from "../snapshot/plain_value.ts";
import { checkRing, type RingSnapshot } from "../virtio/ring_snapshot.ts";
import { DeviceStatus, InterruptStatus } from "../virtio/virtio.gen.ts";
import { areAcceptable, type FeatureSet, type VirtioDevice } from "../virtio/virtio_device.ts";
import type { QueueRegisters } from "./queue_registers.ts";

/**
 * All state of a device and of its driver's session, as plain data: numbers, booleans, texts, null, `Uint8Array`s, arrays
 * and objects. It can be cloned, sent to another thread, or written to a file by `encodeSnapshot`. Guest memory is not in
 * it: whoever saves a machine saves that beside it, at the same moment. Queues and pages are named by guest address, so that
 * they may lie anywhere in the memory that takes a snapshot up; it has to have them.
 */
export interface Snapshot {
  /** Changes whenever an older release could not read the rest. */
  readonly version: 2;
  /** What the transport knows. */
  readonly session: SessionSnapshot;
  /** What the device knows; of a `VirtioGpu` a `GpuSnapshot`. */
  readonly device: unknown;
}

/** What every transport keeps of a driver; the addresses of its registers are the machine's business. */
export interface SessionSnapshot {
  /** The device status. */
  readonly status: number;
  /** The features that the driver accepted, or has written so far. */
  readonly driverFeatures: FeatureSet;
  /** Which half of the offered features is selected: any u32, as the selectors below. */
  readonly deviceFeatureSelect: number;
  /** Which half of the accepted features is selected. */
  readonly driverFeatureSelect: number;
  /** Which queue is selected. */
  readonly queueSelect: number;
  /** Which shared memory region is selected. */
  readonly sharedMemorySelect: number;
  /** The pending causes of an interrupt. */
  readonly interruptStatus: number;
  /** Whether the driver has started the device. */
  readonly isActive: boolean;
  /** One for each queue of the device. */
  readonly queues: readonly QueueSnapshot[];
}

/** A virtqueue: what the driver said of it, and how far it has come. */
export interface QueueSnapshot extends Readonly<QueueRegisters> {
  /** Null while the queue does not work: before the device is started, or when the queue is not enabled. */
  readonly ring: RingSnapshot | null;
}

const MAX_U32 = 0xffffffff;
const READY = DeviceStatus.FeaturesOk | DeviceStatus.DriverOk;

/**
 * Checks a session that `device` is to take up, but for where its queues are. Throws `TypeError` or `RangeError` that names
 * what is wrong.
 */
export function checkSession(session: PlainValue, device: VirtioDevice): SessionSnapshot {
  const status = session.field("status").integer(0, 0xff);
  const isActive = session.field("isActive").boolean();
  const driverFeatures = checkFeatures(session.field("driverFeatures"), status, device);
  if (isActive && (status & READY) !== READY) {
    throw session.refusal("a device is active though its status says it is not ready");
  }
  const queueCount = device.queueSizes.length;
  const queues = session.field("queues").items(queueCount, queueCount);
  return {
    status,
    isActive,
    driverFeatures,
    deviceFeatureSelect: session.field("deviceFeatureSelect").integer(0, MAX_U32),
    driverFeatureSelect: session.field("driverFeatureSelect").integer(0, MAX_U32),
    queueSelect: session.field("queueSelect").integer(0, MAX_U32),
    sharedMemorySelect: session.field("sharedMemorySelect").integer(0, MAX_U32),
    interruptStatus: session.field("interruptStatus").integer(0, InterruptStatus.Queue | InterruptStatus.Config),
    queues: queues.map((queue, index) => checkQueue(queue, device.queueSizes[index]!, isActive)),
  };
}

function checkFeatures(features: PlainValue, status: number, device: VirtioDevice): FeatureSet {
  const driverFeatures = {
    low: features.field("low").integer(0, MAX_U32),
    high: features.field("high").integer(0, MAX_U32),
  };
  const isNegotiated = (status & DeviceStatus.FeaturesOk) !== 0;
  if (isNegotiated && !areAcceptable(driverFeatures, device.offeredFeatures)) {
    throw features.refusal("the device does not offer all of them, or VERSION_1 is not there");
  }
  return driverFeatures;
}

function checkQueue(queue: PlainValue, maxSize: number, isActive: boolean): QueueSnapshot {
  const half = (name: string) => queue.field(name).integer(0, MAX_U32);
  const size = queue.field("size").integer(1, maxSize);
  if ((size & (size - 1)) !== 0) throw queue.field("size").refusal("a queue's size is a power of two");
  const isEnabled = queue.field("isEnabled").boolean();
  const ring = queue.field("ring");
  if (ring.isNull === (isActive && isEnabled)) {
    throw ring.refusal("a queue works when it is enabled and the device active");
  }
  return {
    size,
    isEnabled,
    descriptorLow: half("descriptorLow"),
    descriptorHigh: half("descriptorHigh"),
    availableLow: half("availableLow"),
    availableHigh: half("availableHigh"),
    usedLow: half("usedLow"),
    usedHigh: half("usedHigh"),
    ring: ring.isNull ? null : checkRing(ring),
  };
}
