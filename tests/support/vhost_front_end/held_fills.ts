import type { ReferenceRenderer } from "../renderer/reference_renderer.ts";
import { Opcode } from "../renderer/stream.ts";

const NAP_MILLISECONDS = 5;
const HELD_MILLISECONDS = 1000;

/**
 * Makes `renderer` hold each stream that begins with a FILL up, and its thread with it, until the first word of what it fills
 * has changed, and a second longer: so it writes where the blob lay when the front end has gone, and another has come.
 */
export function holdFills(renderer: ReferenceRenderer): void {
  const submit = renderer.submit.bind(renderer);
  renderer.submit = (contextId, address, sizeBytes, ringIndex, slot) => {
    const { words } = renderer.host.guest;
    const [head, resourceId] = words.subarray(address / 4, address / 4 + 2);
    if ((head! & 0xff) === Opcode.Fill) waitUntilGone(words, renderer.blobAddress(resourceId!) / 4);
    return submit(contextId, address, sizeBytes, ringIndex, slot);
  };
}

function waitUntilGone(words: Uint32Array, index: number): void {
  const before = words[index];
  while (words[index] === before) sleep(NAP_MILLISECONDS);
  sleep(HELD_MILLISECONDS);
}

/** Blocks the thread. */
function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
