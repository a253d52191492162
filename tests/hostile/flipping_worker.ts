/** Overwrites words of a shared memory again and again, with one value and with another, until it is told to stop. */

/** What the worker is told. */
export interface Flip {
  /** The memory. */
  readonly buffer: SharedArrayBuffer;
  /** Indices of the words to overwrite. */
  readonly words: readonly number[];
  /** What they hold in turn. */
  readonly values: readonly [number, number];
  /** Index of the word that is 0 while the worker has to go on. */
  readonly stopWord: number;
}

/** A worker's scope, of which only this is used here. */
interface Scope {
  onmessage: ((event: MessageEvent<Flip>) => void) | null;
  postMessage(message: string): void;
}

const scope = globalThis as unknown as Scope;
scope.onmessage = ({ data: { buffer, words, values, stopWord } }) => {
  const memory = new Uint32Array(buffer);
  scope.postMessage("flipping");
  while (Atomics.load(memory, stopWord) === 0) {
    for (const value of values) {
      for (const word of words) memory[word] = value;
    }
  }
  scope.postMessage("stopped");
};
