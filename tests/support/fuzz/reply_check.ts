import { assert, assertEquals } from "@std/assert";
import { responses } from "../../../build/tables/wire.ts";
import { CTRL_HDR_SIZE, CtrlFlag, ResponseType } from "../../../src/protocol/wire.gen.ts";
import { CAPSETS } from "../renderer/capsets.ts";

const REPLY_BYTES = new Map(responses.map((row) => [row.type, row.struct.sizeBytes]));
const CAPSET_REPLY_BYTES = CAPSETS.map(({ sizeBytes }) => CTRL_HDR_SIZE + sizeBytes);
const PADDING_AT = 21;

/**
 * Checks the first bytes of a reply of `length` bytes to a request that begins with `request`: a known type, the length
 * of that type, and the request's fence or none. Virtio 1.4, 5.7.6.7.
 */
export function checkHeader(request: Uint8Array, reply: Uint8Array, length: number): void {
  const type = new DataView(reply.buffer).getUint32(0, true);
  const lengths = type === ResponseType.OkCapset ? CAPSET_REPLY_BYTES : [REPLY_BYTES.get(type)];
  assert(lengths.includes(length), `${length} is not the length of a reply of type 0x${type.toString(16)}`);
  const expected = new Uint8Array(CTRL_HDR_SIZE);
  const fields = new DataView(expected.buffer);
  expected.set(request); // what a short request lacks is zero
  const flags = fields.getUint32(4, true);
  if ((flags & CtrlFlag.Fence) === 0) expected.fill(0);
  fields.setUint32(0, type, true);
  fields.setUint32(4, fields.getUint32(4, true) & (CtrlFlag.Fence | CtrlFlag.InfoRingIdx), true);
  expected.fill(0, PADDING_AT);
  assertEquals(reply, expected, "the header of a reply");
}
