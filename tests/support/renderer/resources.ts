import { isFormat } from "../../../src/protocol/formats.ts";
import { type Reason, Reasons } from "../../../src/protocol/reasons.ts";
import type { ResourceCreate3d } from "../../../src/protocol/wire.gen.ts";
import type { ImageLevel } from "../../../src/renderer/box_transfer.ts";
import { MovableBlock } from "../../../src/renderer/movable_block.ts";
import type { RendererHost } from "../../../src/renderer/renderer.ts";

/** Kinds of textures, by Gallium's numbers, which virgl has too. */
export const Target = { Buffer: 0, Texture2d: 2, Texture2dArray: 7 } as const;

const MAX_LEVEL = 14;
const PAGE_BYTES = 4096;

/** What streams draw into: a 3D resource, or an object, of which a blob is made later. */
export interface RenderResource {
  /** Its bytes: levels one after the other, each layer after layer, rows without gaps. */
  readonly block: MovableBlock;
  /** Whether it has pixels; else it is a row of bytes. */
  readonly isImage: boolean;
  /** Whether it is made of an object, and moves. */
  readonly isBlob: boolean;
  /** The size of each level, the largest first. */
  readonly levels: readonly LevelSize[];
}

/** How large a level is, and where in the resource it begins. */
export interface LevelSize {
  readonly offsetBytes: number;
  readonly widthTexels: number;
  readonly heightTexels: number;
  readonly layers: number;
}

/** Makes a zeroed 3D resource, or says why it cannot be. */
export function makeResource3d(host: RendererHost, command: ResourceCreate3d): RenderResource | Reason {
  const isImage = command.target !== Target.Buffer;
  if (!isKnown(command)) return Reasons.resource3dUnknown;
  const { levels, sizeBytes } = levelsOf(isImage, command);
  if (sizeBytes >= 2 ** 32) return Reasons.hostMemoryFull;
  const block = MovableBlock.allocate(host, sizeBytes);
  return block === undefined ? Reasons.hostMemoryFull : { block, isImage, isBlob: false, levels };
}

/** Makes the object of a MAKE_OBJECT; undefined when there is no memory for it. Its bytes fill pages, as blobs do. */
export function makeObject(
  host: RendererHost,
  isImage: boolean,
  widthTexels: number,
  heightTexels: number,
): RenderResource | undefined {
  if (widthTexels === 0 || heightTexels === 0) return undefined;
  const { levels, sizeBytes } = levelsOf(isImage, {
    width: widthTexels,
    height: heightTexels,
    arraySize: 1,
    lastLevel: 0,
  });
  if (sizeBytes > 2 ** 32 - PAGE_BYTES) return undefined;
  const block = MovableBlock.allocate(host, Math.ceil(sizeBytes / PAGE_BYTES) * PAGE_BYTES);
  return block && { block, isImage, isBlob: true, levels };
}

/** The blob of `sizeBytes` bytes that an object of as many or more becomes: what does not fit into it is gone. */
export function blobOf({ block, isImage, levels: [whole] }: RenderResource, sizeBytes: number): RenderResource {
  block.shorten(sizeBytes);
  const { widthTexels, heightTexels } = whole!;
  const rows = Math.floor(sizeBytes / (widthTexels * (isImage ? 4 : 1)));
  const level = isImage
    ? { ...whole!, heightTexels: Math.min(heightTexels, rows) }
    : { ...whole!, widthTexels: sizeBytes, heightTexels: 1 };
  return { block, isImage, isBlob: true, levels: [level] };
}

/** Where level `level` lies now; undefined when there is none. */
export function levelOf({ block, isImage, levels }: RenderResource, level: number): ImageLevel | undefined {
  const size = levels[level];
  if (size === undefined) return undefined;
  const { offsetBytes, widthTexels, heightTexels, layers } = size;
  const bytesPerTexel = isImage ? 4 : 1;
  const strideBytes = widthTexels * bytesPerTexel;
  return {
    address: block.address + offsetBytes,
    strideBytes,
    layerStrideBytes: strideBytes * heightTexels,
    widthTexels,
    heightTexels,
    layers,
    bytesPerTexel,
  };
}

function isKnown({ target, format, width, height, depth, arraySize, lastLevel, nrSamples }: ResourceCreate3d): boolean {
  if (width === 0 || height === 0 || depth !== 1 || arraySize === 0 || nrSamples > 1) return false;
  switch (target) {
    case Target.Buffer:
      return height === 1 && arraySize === 1 && lastLevel === 0;
    case Target.Texture2d:
      return isFormat(format) && arraySize === 1 && lastLevel <= MAX_LEVEL;
    case Target.Texture2dArray:
      return isFormat(format) && lastLevel <= MAX_LEVEL;
    default:
      return false;
  }
}

function levelsOf(
  isImage: boolean,
  { width, height, arraySize, lastLevel }: { width: number; height: number; arraySize: number; lastLevel: number },
): { levels: LevelSize[]; sizeBytes: number } {
  const levels: LevelSize[] = [];
  let sizeBytes = 0;
  for (let level = 0; level <= lastLevel; level++) {
    const widthTexels = Math.max(1, Math.floor(width / 2 ** level));
    const heightTexels = Math.max(1, Math.floor(height / 2 ** level));
    levels.push({ offsetBytes: sizeBytes, widthTexels, heightTexels, layers: arraySize });
    sizeBytes += widthTexels * heightTexels * arraySize * (isImage ? 4 : 1);
  }
  return { levels, sizeBytes };
}
