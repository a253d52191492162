/**
 * Reading commands: the generated reader against a walk over the table and against a DataView.
 * Each iteration reads 1,000 commands of the mix that a 2D guest sends, so microseconds are nanoseconds a command.
 */

import { isBytes, propertyFields, propertyName } from "../build/gen/fields.ts";
import type { FieldKind, Struct } from "../build/tables/struct.ts";
import { commands, ctrlHdr } from "../build/tables/wire.ts";
import {
  CommandReader,
  CommandType,
  MAX_COMMAND_SIZE,
  ResponseType,
  writeCtrlHdr,
  writeMoveCursor,
  writeResourceFlush,
  writeSetScanout,
  writeTransferToHost2d,
} from "../src/protocol/wire.gen.ts";

const COUNT = 1000;
const COMMAND_WORDS = MAX_COMMAND_SIZE / 4;

const words = new Uint32Array(COUNT * COMMAND_WORDS);
fillWithCommands();

/** A cheap generator with a seed, so that every run reads the same commands (the constants of Numerical Recipes). */
function* numbers(seed: number): Generator<number> {
  for (let state = seed;; state = (Math.imul(state, 1664525) + 1013904223) >>> 0) yield state >>> 8;
}

function fillWithCommands(): void {
  const random = numbers(1);
  const next = (limit: number) => random.next().value % limit;
  for (let i = 0; i < COUNT; i++) {
    const at = i * COMMAND_WORDS;
    const rect = { x: next(1280), y: next(800), width: next(1280), height: next(800) };
    const resourceId = next(16);
    switch (next(4)) {
      case 0:
        writeTransferToHost2d(words, at, { rect, offset: next(4096000), resourceId });
        break;
      case 1:
        writeResourceFlush(words, at, { rect, resourceId, flags: 1, fenceIdLow: i });
        break;
      case 2:
        writeSetScanout(words, at, { rect, scanoutId: next(2), resourceId });
        break;
      default:
        writeMoveCursor(words, at, {
          pos: { scanoutId: 0, x: next(1280), y: next(800) },
          resourceId,
          hotX: 0,
          hotY: 0,
        });
    }
  }
}

type Fields = Record<string, number>;

interface Step {
  readonly name: string;
  readonly kind: FieldKind;
  readonly word: number;
}

/** The fields of a struct as a flat list: what a reader that walks a table walks. */
function steps(struct: Struct, prefix = "", base = 0): Step[] {
  const fields = struct.fields.filter((field) => field.name === "hdr" || propertyFields(struct).includes(field));
  return fields.filter((field) => !isBytes(field)).flatMap((field) => {
    const offset = base + field.offset;
    if (field.kind !== "struct") return [{ name: prefix + propertyName(field), kind: field.kind, word: offset / 4 }];
    return steps(field.struct!, field.name === "hdr" ? prefix : `${prefix}${propertyName(field)}.`, offset);
  });
}

const tables = new Map(commands.map(({ type, request }) => {
  const flat = request.name === ctrlHdr.name ? steps(ctrlHdr) : steps(request);
  return [type, { flat, record: Object.fromEntries(flat.map(({ name }) => [name, 0])) as Fields }];
}));

function readByTable(at: number): Fields {
  const { flat, record } = tables.get(words[at]!)!;
  for (const { name, kind, word } of flat) {
    const low = words[at + word]!;
    switch (kind) {
      case "u64":
        record[name] = low + words[at + word + 1]! * 2 ** 32;
        break;
      case "id64":
        record[`${name}Low`] = low;
        record[`${name}High`] = words[at + word + 1]!;
        break;
      case "i32":
        record[name] = low | 0;
        break;
      case "u8":
        record[name] = low & 0xff;
        break;
      default:
        record[name] = low;
    }
  }
  return record;
}

const view = new DataView(words.buffer);
const header = { type: 0, flags: 0, fenceIdLow: 0, fenceIdHigh: 0, ctxId: 0, ringIdx: 0 };
const transfer = { ...header, rect: { x: 0, y: 0, width: 0, height: 0 }, offset: 0, resourceId: 0 };
const flush = { ...header, rect: { x: 0, y: 0, width: 0, height: 0 }, resourceId: 0 };
const scanout = { ...header, rect: { x: 0, y: 0, width: 0, height: 0 }, scanoutId: 0, resourceId: 0 };
const cursor = { ...header, pos: { scanoutId: 0, x: 0, y: 0 }, resourceId: 0, hotX: 0, hotY: 0 };

function viewHeader(at: number, into: typeof header): void {
  into.flags = view.getUint32(at + 4, true);
  into.fenceIdLow = view.getUint32(at + 8, true);
  into.fenceIdHigh = view.getUint32(at + 12, true);
  into.ctxId = view.getUint32(at + 16, true);
  into.ringIdx = view.getUint8(at + 20);
}

function viewRect(at: number, into: typeof flush.rect): void {
  into.x = view.getUint32(at, true);
  into.y = view.getUint32(at + 4, true);
  into.width = view.getUint32(at + 8, true);
  into.height = view.getUint32(at + 12, true);
}

function readByView(at: number): typeof header {
  switch (view.getUint32(at, true)) {
    case CommandType.TransferToHost2d:
      viewHeader(at, transfer);
      viewRect(at + 24, transfer.rect);
      transfer.offset = Number(view.getBigUint64(at + 40, true));
      transfer.resourceId = view.getUint32(at + 48, true);
      return transfer;
    case CommandType.ResourceFlush:
      viewHeader(at, flush);
      viewRect(at + 24, flush.rect);
      flush.resourceId = view.getUint32(at + 40, true);
      return flush;
    case CommandType.SetScanout:
      viewHeader(at, scanout);
      viewRect(at + 24, scanout.rect);
      scanout.scanoutId = view.getUint32(at + 40, true);
      scanout.resourceId = view.getUint32(at + 44, true);
      return scanout;
    default:
      viewHeader(at, cursor);
      cursor.pos.scanoutId = view.getUint32(at + 24, true);
      cursor.pos.x = view.getInt32(at + 28, true);
      cursor.pos.y = view.getInt32(at + 32, true);
      cursor.resourceId = view.getUint32(at + 40, true);
      cursor.hotX = view.getUint32(at + 44, true);
      cursor.hotY = view.getUint32(at + 48, true);
      return cursor;
  }
}

const reader = new CommandReader();
let sum = 0; // what is read must be used, or the compiler drops the reading

Deno.bench("read/1000 straight line", { group: "read", baseline: true }, () => {
  for (let i = 0; i < COUNT; i++) sum += reader.read(words, i * COMMAND_WORDS)!.flags;
});

Deno.bench("read/1000 DataView", { group: "read" }, () => {
  for (let i = 0; i < COUNT; i++) sum += readByView(i * MAX_COMMAND_SIZE).flags;
});

Deno.bench("read/1000 table walk", { group: "read" }, () => {
  for (let i = 0; i < COUNT; i++) sum += readByTable(i * COMMAND_WORDS).flags!;
});

const written = new Uint32Array(COMMAND_WORDS);
const error = { ...header, type: ResponseType.ErrUnspec, flags: 1, fenceIdLow: 1 };

Deno.bench("write/1000 RESOURCE_FLUSH", { group: "write", baseline: true }, () => {
  for (let i = 0; i < COUNT; i++) sum += writeResourceFlush(written, 0, flush);
});

Deno.bench("write/1000 CTRL_HDR", { group: "write" }, () => {
  for (let i = 0; i < COUNT; i++) sum += writeCtrlHdr(written, 0, error);
});

addEventListener("unload", () => console.assert(sum > 0));
