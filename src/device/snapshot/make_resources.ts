import { PageList } from "../../memory/page_list.ts";
import { BYTES_PER_PIXEL, isFormat } from "../../protocol/formats.ts";
import { MEM_ENTRY_SIZE } from "../../protocol/wire.gen.ts";
import type { PlainValue } from "../../snapshot/plain_value.ts";
import { makeBacking } from "../backing.ts";
import { KNOWN_BLOB_FLAGS } from "../commands/blob.ts";
import type { GpuState } from "../gpu_state.ts";
import { HostAccount } from "../host_account.ts";
import type { Resource } from "../resource.ts";
import { ResourceTable } from "../resource_table.ts";

const MAX_U32 = 0xffffffff;
/** Sizes on the wire saturate there. */
const MAX_SIZE_BYTES = 2 ** 53;
const UUID = /^[0-9a-f]{32}$/;

/** A resource while it is made: its pages come last, and its memory is already the table's to give back. */
interface Draft {
  readonly resource: Resource;
  readonly minimumBackingBytes: number;
}

/**
 * Makes the resources of a snapshot in a table of their own, within the device's limits. Throws `TypeError` or `RangeError`
 * that names what is wrong, with all memory given back.
 */
export function makeResources(gpu: GpuState, list: PlainValue): ResourceTable {
  const { limits } = gpu;
  const account = new HostAccount(limits.hostMemoryBytes);
  const table = new ResourceTable(gpu.guest, account, limits.resources);
  try {
    for (const item of list.items(0, limits.resources)) {
      const { resource, minimumBackingBytes } = makeResource(gpu, table, item);
      table.add(resource);
      const backing = item.field("backing");
      if (!backing.isNull) resource.backing = makePages(gpu, account, backing, minimumBackingBytes);
    }
    return table;
  } catch (error) {
    table.clear();
    throw error;
  }
}

function makeResource(gpu: GpuState, table: ResourceTable, item: PlainValue): Draft {
  const id = item.field("id").integer(1, MAX_U32);
  const refusal = table.refuseId(id);
  if (refusal !== undefined) throw item.field("id").refusal(refusal.text);
  const uuid = checkUuid(item.field("uuid"), table);
  const kind = item.field("kind").text(/^(2d|guestBlob)$/, '"2d" or "guestBlob"');
  if (kind === "2d") return { resource: make2d(gpu, table, item, id, uuid), minimumBackingBytes: 1 };
  const sizeBytes = item.field("sizeBytes").integer(1, MAX_SIZE_BYTES);
  const flags = item.field("flags").integer(0, KNOWN_BLOB_FLAGS);
  const resource: Resource = { kind: "guestBlob", id, sizeBytes, flags, hostBytes: 0, backing: undefined, uuid };
  return { resource, minimumBackingBytes: sizeBytes };
}

function make2d(
  { guest }: GpuState,
  table: ResourceTable,
  item: PlainValue,
  id: number,
  uuid: string | undefined,
): Resource {
  const format = item.field("format").integer(0, MAX_U32);
  if (!isFormat(format)) throw item.field("format").refusal("the format is none of virtio_gpu_formats");
  const widthPixels = item.field("widthPixels").integer(1, MAX_U32);
  const heightPixels = item.field("heightPixels").integer(1, MAX_U32);
  const strideBytes = widthPixels * BYTES_PER_PIXEL;
  const hostBytes = strideBytes * heightPixels;
  const pixels = item.field("pixels").bytesOf(hostBytes);
  const address = table.allocate(hostBytes);
  if (typeof address !== "number") throw item.refusal(address.text);
  guest.bytes.set(pixels, address);
  const backing = undefined;
  return { kind: "2d", id, format, widthPixels, heightPixels, strideBytes, address, hostBytes, backing, uuid };
}

function checkUuid(uuid: PlainValue, table: ResourceTable): string | undefined {
  if (uuid.isNull) return undefined;
  const digits = uuid.text(UUID, "32 hexadecimal digits");
  if (table.findShared(digits) !== undefined) throw uuid.refusal("another resource has the same UUID");
  return digits;
}

function makePages(gpu: GpuState, account: HostAccount, backing: PlainValue, minimumBytes: number): PageList {
  const entries = backing.bytes();
  const count = entries.length / MEM_ENTRY_SIZE;
  const isCount = Number.isInteger(count) && count >= 1 && count <= gpu.limits.pageEntries;
  if (!isCount) {
    throw backing.refusal(`it must hold 1 to ${gpu.limits.pageEntries} memory entries of ${MEM_ENTRY_SIZE} bytes`);
  }
  gpu.guest.bytes.set(entries, gpu.entriesAddress);
  const list = makeBacking(gpu, account, count, minimumBytes);
  if (!(list instanceof PageList)) throw backing.refusal(list.text);
  return list;
}
