import {
  BlobFlag,
  BlobMem,
  CtrlFlag,
  Format,
  writeCtxAttachResource,
  writeCtxCreate,
  writeCtxDestroy,
  writeResourceAttachBacking,
  writeResourceCreate3d,
  writeResourceCreateBlob,
  writeResourceDetachBacking,
  writeResourceMapBlob,
  writeResourceUnmapBlob,
  writeResourceUnref,
  writeSubmit3d,
  writeTransferFromHost3d,
  writeTransferToHost3d,
} from "../../../src/protocol/wire.gen.ts";
import { entryWords, type MemoryEntry, type Writer } from "../../../src/guest/gpu_driver.ts";
import * as stream from "../renderer/stream.ts";
import type { Random } from "./random.ts";

/** What a planned program uses: a context, a resource, and where in the window it maps that. */
export interface ProgramIds {
  readonly contextId: number;
  readonly resourceId: number;
  readonly blobId: number;
  readonly offset: number;
}

const SIZES = [4096, 4096, 5000, 8192];

/**
 * The requests of a program that draws as programs do: a context, an object, a blob that is mapped, work with fences, and an
 * end of some of it. Whether they are carried out is up to what else the guest does meanwhile.
 */
export function planProgram(random: Random, { contextId, resourceId, blobId, offset }: ProgramIds): Uint8Array[] {
  const sizeBytes = random.pick(SIZES);
  const ringIdx = random.below(3);
  const fenced = { ctxId: contextId, ringIdx, flags: CtrlFlag.Fence | CtrlFlag.InfoRingIdx };
  /** A request of the context, now and then on the ring of its streams. */
  const send = <F>(write: Writer<F>, fields: object, trailing?: ArrayLike<number>) =>
    request(write as Writer<object>, { ctxId: contextId, ...fields, ...(random.oneIn(3) && fenced) }, trailing);
  const submit = (...commands: number[][]) => {
    const words = commands.flat();
    return request(writeSubmit3d as Writer<object>, { ...fenced, size: words.length * 4 }, words);
  };
  const blob = { resourceId, blobMem: BlobMem.Host3d, blobFlags: BlobFlag.UseMappable, nrEntries: 0 };
  const ends = [
    send(writeResourceUnmapBlob, { resourceId }),
    send(writeResourceUnref, { resourceId }),
    send(writeCtxDestroy, {}),
  ].filter(() => random.oneIn(2));
  return [
    send(writeCtxCreate, { nlen: 0, contextInit: 0 }, new Array(16).fill(0)),
    send(writeResourceUnref, { resourceId }),
    submit(stream.makeBuffer(blobId, sizeBytes)),
    send(writeResourceCreateBlob, { ...blob, blobIdLow: blobId, blobIdHigh: 0, size: sizeBytes }),
    send(writeCtxAttachResource, { resourceId }),
    send(writeResourceMapBlob, { resourceId, offset }),
    random.oneIn(2)
      ? submit(stream.fill(resourceId, 0, 64, random.u32()))
      : submit(stream.delay(stream.UNTIL_RELEASED)),
    submit(stream.fill(resourceId, 4, 4, random.u32())),
    ...ends,
  ];
}

/** The requests of a texture's life, whose pages are `entries`: transfers both ways, and a swap. */
export function planTexture(random: Random, resourceId: number, entries: readonly MemoryEntry[]): Uint8Array[] {
  const side = random.pick([1, 4, 16]);
  const size = { width: side, height: side, depth: 1, arraySize: 1, lastLevel: 0, nrSamples: 0, resourceFlags: 0 };
  const box = { x: 0, y: random.below(2), z: 0, w: side, h: side - 1, d: 1 };
  const transfer = { ctxId: 0, resourceId, box, offset: random.below(64), level: 0, stride: 0, layerStride: 0 };
  const backing = request(writeResourceAttachBacking, { resourceId, nrEntries: entries.length }, entryWords(entries));
  return [
    request(writeResourceUnref, { resourceId }),
    request(writeResourceCreate3d, { resourceId, target: 2, format: Format.B8G8R8A8Unorm, bind: 0, ...size }),
    backing,
    request(writeTransferToHost3d, transfer),
    request(writeTransferFromHost3d, transfer),
    request(writeResourceDetachBacking, { resourceId }),
    request(writeTransferToHost3d, transfer),
    backing,
    request(writeTransferFromHost3d, transfer),
  ];
}

function request<F>(write: Writer<F>, fields: F, trailing: ArrayLike<number> = []): Uint8Array {
  const words = new Uint32Array(64);
  const length = write(words, 0, fields);
  words.set(trailing, length / 4);
  return new Uint8Array(words.buffer, 0, length + trailing.length * 4);
}
