/** The commands of the reference renderer's streams, as words: a stream is all of them, one after the other. */

/** What a word 0 begins with; the rest of it is the number of words. */
export const Opcode = {
  MakeObject: 1,
  Fill: 2,
  Copy: 3,
  FillRect: 4,
  Delay: 5,
  Lose: 6,
} as const;

/** What an object that a stream makes is. */
export const ObjectKind = { Buffer: 0, Image: 1 } as const;

/** Milliseconds of a DELAY that only `ReferenceRenderer.release` ends. */
export const UNTIL_RELEASED = 0xffffffff;

/** Words of each command, the first one included. */
export const COMMAND_WORDS: readonly number[] = [0, 6, 5, 6, 7, 2, 1];

/** One word of a command: what it is, and how many words it has. */
export function commandHead(opcode: number, words = COMMAND_WORDS[opcode] ?? 1): number {
  return opcode | words << 8;
}

/** Makes a buffer of `sizeBytes` bytes under a blob id of the context. */
export function makeBuffer(blobId: number, sizeBytes: number): number[] {
  return makeObject(blobId, ObjectKind.Buffer, sizeBytes, 1);
}

/** Makes an image of pixels of four bytes, whose rows follow each other without gaps, under a blob id of the context. */
export function makeImage(blobId: number, widthPixels: number, heightPixels: number): number[] {
  return makeObject(blobId, ObjectKind.Image, widthPixels, heightPixels);
}

/** Writes the word `value` over a range of a resource; offset and size are multiples of 4. */
export function fill(resourceId: number, offset: number, sizeBytes: number, value: number): number[] {
  return [commandHead(Opcode.Fill), resourceId, offset, sizeBytes, value];
}

/** Copies bytes from one resource to another; the source may be one that is not the renderer's. */
export function copy(
  target: { resourceId: number; offset: number },
  source: { resourceId: number; offset: number },
  sizeBytes: number,
): number[] {
  return [commandHead(Opcode.Copy), target.resourceId, target.offset, source.resourceId, source.offset, sizeBytes];
}

/** Writes the pixel `value` over a rectangle of an image. */
export function fillRect(
  resourceId: number,
  rect: { x: number; y: number; width: number; height: number },
  value: number,
): number[] {
  return [commandHead(Opcode.FillRect), resourceId, rect.x, rect.y, rect.width, rect.height, value];
}

/** Holds up what follows on the ring, `UNTIL_RELEASED` until a test releases it. */
export function delay(milliseconds: number): number[] {
  return [commandHead(Opcode.Delay), milliseconds];
}

/** Makes the renderer give the context up. */
export function lose(): number[] {
  return [commandHead(Opcode.Lose)];
}

/** The bytes of a stream of `commands`, as SUBMIT_3D carries them. */
export function streamBytes(...commands: readonly number[][]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Uint32Array.from(commands.flat()).buffer);
}

function makeObject(blobId: number, kind: number, width: number, height: number): number[] {
  return [commandHead(Opcode.MakeObject), blobId % 2 ** 32, Math.floor(blobId / 2 ** 32), kind, width, height];
}
