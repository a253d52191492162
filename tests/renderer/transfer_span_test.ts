import { assertEquals } from "@std/assert";
import { CommandType, type TransferToHost3d } from "../../src/protocol/wire.gen.ts";
import { transferSpan } from "../../src/renderer/remote/transfer_span.ts";

const BOX = { x: 0, y: 0, z: 0, w: 10, h: 1, d: 1 };

function transfer(fields: Partial<TransferToHost3d>): TransferToHost3d {
  const header = { type: CommandType.TransferToHost3d, flags: 0, fenceIdLow: 0, fenceIdHigh: 0, ctxId: 0, ringIdx: 0 };
  return { ...header, box: BOX, offset: 0, resourceId: 1, level: 0, stride: 0, layerStride: 0, ...fields };
}

const MANY = 2 ** 32 - 1;
const cases = [
  { what: "a row of texels of 16 bytes", fields: {}, size: [0, 0], span: 160 },
  { what: "a row that is no longer than its stride", fields: { stride: 50 }, size: [0, 0], span: 50 },
  { what: "rows by their stride", fields: { stride: 50, box: { ...BOX, h: 4 } }, size: [0, 0], span: 200 },
  { what: "rows of the whole level", fields: { box: { ...BOX, h: 4 } }, size: [100, 100], span: 6400 },
  { what: "all when the level is not known", fields: { box: { ...BOX, h: 4 } }, size: [0, 0], span: 100_000 },
  { what: "layers", fields: { stride: 50, layerStride: 1000, box: { ...BOX, h: 2, d: 3 } }, size: [0, 0], span: 2100 },
  { what: "layers of the whole level", fields: { stride: 50, box: { ...BOX, d: 3 } }, size: [9, 20], span: 2050 },
  { what: "all when layers are not known", fields: { stride: 50, box: { ...BOX, d: 3 } }, size: [0, 0], span: 100_000 },
  { what: "no more than there is", fields: { offset: 99_990 }, size: [0, 0], span: 10 },
  { what: "nothing behind the end", fields: { offset: 2 ** 53 }, size: [0, 0], span: 0 },
  { what: "nothing for no box", fields: { box: { ...BOX, h: 0, w: MANY, d: MANY } }, size: [0, 0], span: 0 },
  {
    what: "the greatest of all numbers",
    fields: { stride: MANY, layerStride: MANY, box: { ...BOX, w: MANY, h: MANY, d: MANY } },
    size: [0, 0],
    span: 100_000,
  },
];
for (const { what, fields, size, span } of cases) {
  Deno.test(`transferSpan: ${what}`, () => {
    assertEquals(transferSpan(transfer(fields), 100_000, size[0]!, size[1]!), span);
  });
}
