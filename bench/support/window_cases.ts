import { MemoryWindow } from "../../src/memory/memory_window.ts";
import {
  BlobFlag,
  BlobMem,
  RESP_MAP_INFO_SIZE,
  writeCtxCreate,
  writeResourceCreateBlob,
  writeResourceMapBlob,
  writeResourceUnmapBlob,
  writeSubmit3d,
} from "../../src/protocol/wire.gen.ts";
import { ReferenceRenderer } from "../../tests/support/renderer/reference_renderer.ts";
import { makeBuffer } from "../../tests/support/renderer/stream.ts";
import { makeScanoutDevice, withPlain } from "./bench_device.ts";
import { BenchGuest } from "./bench_guest.ts";
import { copies, type DeviceCase, sender } from "./device_cases.ts";
import { PlainWindowDevice } from "./plain_window_device.ts";

const PAGE_BYTES = 4096;
const MIB = 1024 * 1024;
const WINDOW_BYTES = 16 * MIB;
const CONTEXT = 1;
const BLOB = 1;
/** How many blobs of a page are mapped beside the one that is measured, as by a guest with many buffers. */
const NEIGHBOURS = 1000;

/** A blob that is mapped and unmapped, by its size and how many others are mapped. */
const SIZES = [
  { name: "map and unmap/1 MiB", sizeBytes: MIB, neighbours: 0 },
  { name: "map and unmap/16 pages", sizeBytes: 16 * PAGE_BYTES, neighbours: 0 },
  { name: "map and unmap/16 pages among 1000 mappings", sizeBytes: 16 * PAGE_BYTES, neighbours: NEIGHBOURS },
] as const;

/** Makes our device and the plain one, each with a window, and the cases over them. */
export function windowCases(): Promise<DeviceCase[]> {
  return Promise.all(SIZES.map(async ({ name, sizeBytes, neighbours }) => ({
    name,
    operations: 1,
    scanout: mapAndUnmap(await scanoutGuest(sizeBytes, neighbours)),
    plain: mapAndUnmap(plainGuest(sizeBytes, neighbours)),
    kernels: undefined,
    copy: copies(2, sizeBytes), // the bytes move into the window, and out of it
  })));
}

/** A guest of our device with a blob of `sizeBytes`, and others that are mapped behind where it goes. */
async function scanoutGuest(sizeBytes: number, neighbours: number): Promise<BenchGuest> {
  const device = await makeScanoutDevice((guest) => ({
    renderer: new ReferenceRenderer(),
    hostVisibleMemory: new MemoryWindow(guest, guest.heap.allocate(WINDOW_BYTES), WINDOW_BYTES),
  }));
  const guest = new BenchGuest(device);
  guest.sendChecked([guest.prepare(writeCtxCreate, { ctxId: CONTEXT, nlen: 0, contextInit: 0 })]);
  createBlob(guest, BLOB, sizeBytes);
  for (let index = 0; index < neighbours; index++) {
    createBlob(guest, BLOB + 1 + index, PAGE_BYTES);
    guest.sendChecked([mapNeighbour(guest, index)]);
  }
  return guest;
}

function plainGuest(sizeBytes: number, neighbours: number): BenchGuest {
  const guest = new BenchGuest(withPlain((ram, place) => {
    const device = new PlainWindowDevice(ram, place, WINDOW_BYTES);
    device.addBlob(BLOB, sizeBytes);
    for (let index = 0; index < neighbours; index++) device.addBlob(BLOB + 1 + index, PAGE_BYTES);
    return device;
  }));
  for (let index = 0; index < neighbours; index++) guest.sendChecked([mapNeighbour(guest, index)]);
  return guest;
}

function mapNeighbour(guest: BenchGuest, index: number): number {
  return prepareMap(guest, BLOB + 1 + index, 2 * MIB + index * 2 * PAGE_BYTES);
}

function mapAndUnmap(guest: BenchGuest): () => void {
  return sender(guest, [[prepareMap(guest, BLOB, MIB), guest.prepare(writeResourceUnmapBlob, { resourceId: BLOB })]]);
}

function prepareMap(guest: BenchGuest, resourceId: number, offset: number): number {
  return guest.prepare(writeResourceMapBlob, { resourceId, offset }, { replyBytes: RESP_MAP_INFO_SIZE });
}

function createBlob(guest: BenchGuest, resourceId: number, size: number): void {
  const trailing = Uint32Array.from(makeBuffer(resourceId, size));
  const object = { blobMem: BlobMem.Host3d, blobIdLow: resourceId, blobIdHigh: 0, size };
  const fields = { ctxId: CONTEXT, resourceId, blobFlags: BlobFlag.UseMappable, nrEntries: 0, ...object };
  guest.sendChecked([
    guest.prepare(writeSubmit3d, { ctxId: CONTEXT, size: trailing.byteLength }, { trailing }),
    guest.prepare(writeResourceCreateBlob, fields),
  ]);
}
