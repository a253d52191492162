/**
 * The block of shared memory through which a device and a renderer on another thread speak, in words of 32 bits:
 *
 *   0     positions, epoch, bells, flags and the account: what both threads look at lies in lines of its own
 *   256   COMPLETION_COUNT completions of COMPLETION_WORDS words: what the renderer's side says
 *   8448  requests, one after the other: what the device's side says
 *
 * Positions count words, or completions, since the channel was made, modulo 2^32. Only the two sides write here, each its own
 * words; the guest's memory is elsewhere.
 */

/** Words that both sides use, by their index in the channel. */
export const ChannelWord = {
  /** Up to where requests are written: the device's side. */
  RequestTail: 0,
  /** Up to where requests are done with: the renderer's side. */
  RequestHead: 16,
  /** Up to where completions are written: the renderer's side. */
  CompletionTail: 32,
  /** Up to where completions are read: the device's side. */
  CompletionHead: 48,
  /** Counts the resets of the device: a request of another epoch is passed over. */
  Epoch: 64,
  /** The token of the picture that the device was told of last and has done with; the renderer's side waits for it. */
  PictureDone: 80,
  /** Counts what the renderer's side has to look at: it sleeps on it. */
  ServerBell: 96,
  /** 1 when a thread may sleep on that bell: to wake nobody takes 90 ns. */
  IsServerAsleep: 97,
  /** Counts what the device's side has to look at. */
  DeviceBell: 112,
  /** 1 when a thread may sleep on that bell. */
  IsDeviceAsleep: 113,
  /** 1 when the device's side waits for room for requests. */
  IsRoomWanted: 128,
  /** 1 when completions wait for room. */
  AreCompletionsHeld: 144,
  /** 1 when there is no renderer any more. */
  IsClosed: 160,
  /** The epoch that the renderer was reset for last: until it is the present one, the renderer may write where it did before. */
  SeenEpoch: 161,
  /** The account's three words; see `SharedAccount`. */
  Account: 176,
} as const;

/** Words of one completion: its kind, its epoch, and four more. */
export const COMPLETION_WORDS = 8;
/** How many completions wait in the channel; more wait beside it. */
export const COMPLETION_COUNT = 1024;
/** Where the completions begin, in words. */
export const COMPLETIONS_START = 256;
/** Where the requests begin, in words. */
export const REQUESTS_START: number = COMPLETIONS_START + COMPLETION_COUNT * COMPLETION_WORDS;

/** What a completion says; its four words in brackets. */
export const Completion = {
  /** A fence is done (slot). */
  Fence: 1,
  /** A context is lost (its id). */
  Lost: 2,
  /** A question is answered (token, number of the reason or 0, two values), and its staged bytes are not in use any more. */
  Answer: 3,
  /** Staged bytes are not in use any more (token). */
  Unstaged: 4,
  /** A picture is at an address, with a stride (token, 0, both), until `PictureDone` has the token. */
  Picture: 5,
  /** A command stream was refused, and so its fence has no work (slot). */
  Refused: 6,
} as const;

/** What a request asks for. Word 0 is the kind, and the length in words from bit 8 on; word 1 the epoch, word 2 a token or 0. */
export const RequestKind = {
  /** Nothing: the rest of the ring, which is too short for the next request. */
  Pad: 0,
  CreateContext: 1,
  DestroyContext: 2,
  AttachResource: 3,
  DetachResource: 4,
  Submit: 5,
  Fence: 6,
  CreateResource: 7,
  CreateBlob: 8,
  DestroyResource: 9,
  TransferToHost: 10,
  TransferFromHost: 11,
  MoveBlob: 12,
  TakeBlobBack: 13,
  ReadPicture: 14,
  /** Where the bytes of a resource lie that is not the renderer's: its number, and the address of a record or 0. */
  PlaceForeign: 15,
  EndForeign: 16,
} as const;
/** One of the values of `RequestKind`. */
export type RequestKind = typeof RequestKind[keyof typeof RequestKind];

/** The token of a request that wants no answer. */
export const NO_TOKEN = 0;
/** Words of a request before what is said of its kind. */
export const REQUEST_HEAD_WORDS = 3;

/** Bytes of a channel whose requests have `ringBytes` bytes. */
export function channelBytes(ringBytes: number): number {
  return REQUESTS_START * 4 + ringBytes;
}

/** The channel at `address` of a shared memory as words: they stay good while the memory grows. */
export function channelWords(memory: WebAssembly.Memory, address: number, ringBytes: number): Int32Array {
  return new Int32Array(memory.buffer, address, channelBytes(ringBytes) / 4);
}

/** Behind each bell: whether somebody may sleep on it. */
const ASLEEP = 1;

/** Counts a bell up, and wakes the thread that sleeps on it, if one does. */
export function ring(words: Int32Array, bell: number): void {
  Atomics.add(words, bell, 1);
  // Sequentially consistent: either this sees the sleeper, or the sleeper sees that the bell has rung.
  if (Atomics.exchange(words, bell + ASLEEP, 0) === 1) Atomics.notify(words, bell);
}

/** Blocks until a bell says something else than `heard`, at most so many milliseconds; false when it does not. */
export function sleep(words: Int32Array, bell: number, heard: number, milliseconds: number): boolean {
  Atomics.store(words, bell + ASLEEP, 1);
  return Atomics.wait(words, bell, heard, milliseconds) !== "timed-out";
}

/** Resolves when a bell says something else than `heard`; undefined when it does now. */
export function nextRing(words: Int32Array, bell: number, heard: number): Promise<unknown> | undefined {
  Atomics.store(words, bell + ASLEEP, 1);
  const { async: isLater, value } = Atomics.waitAsync(words, bell, heard);
  return isLater ? value : undefined;
}
