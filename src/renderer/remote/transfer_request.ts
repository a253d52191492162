import { CommandType, type TransferFromHost3d, type TransferToHost3d } from "../../protocol/wire.gen.ts";
import type { RequestSender } from "./request_sender.ts";

/** Words of a transfer's arguments: the command, the bytes of its pages, and how many of them are at hand. */
export const TRANSFER_WORDS = 13;

/** The parts of both transfers. */
type Transfer = TransferToHost3d | TransferFromHost3d;

/** A transfer as it crosses to the renderer's thread: its bytes at hand begin where its offset is. */
export interface TransferRequest<T extends Transfer> {
  /** The command, with offset 0. */
  readonly command: T;
  /** Bytes of the pages from the command's offset on. */
  totalBytes: number;
  /** How many of them are at hand. */
  sizeBytes: number;
}

/** Writes a transfer's arguments. */
export function putTransfer(sender: RequestSender, command: Transfer, totalBytes: number, sizeBytes: number): void {
  const { box } = command;
  sender.put(command.ctxId);
  sender.put(command.resourceId);
  sender.put(command.level);
  sender.put(command.stride);
  sender.put(command.layerStride);
  sender.put(box.x);
  sender.put(box.y);
  sender.put(box.z);
  sender.put(box.w);
  sender.put(box.h);
  sender.put(box.d);
  sender.put(Math.max(0, totalBytes - command.offset));
  sender.put(sizeBytes);
}

/** Reads a transfer's arguments from `words` at `at` into a record that is used again and again. */
export function readTransfer<T extends Transfer>(
  words: Int32Array,
  at: number,
  request: TransferRequest<T>,
): TransferRequest<T> {
  const { command } = request;
  const { box } = command;
  command.ctxId = words[at]! >>> 0;
  command.resourceId = words[at + 1]! >>> 0;
  command.level = words[at + 2]! >>> 0;
  command.stride = words[at + 3]! >>> 0;
  command.layerStride = words[at + 4]! >>> 0;
  box.x = words[at + 5]! >>> 0;
  box.y = words[at + 6]! >>> 0;
  box.z = words[at + 7]! >>> 0;
  box.w = words[at + 8]! >>> 0;
  box.h = words[at + 9]! >>> 0;
  box.d = words[at + 10]! >>> 0;
  request.totalBytes = words[at + 11]! >>> 0;
  request.sizeBytes = words[at + 12]! >>> 0;
  return request;
}

/** A record for `readTransfer`. The header is empty but for the context. */
export function transferRequest<T extends Transfer>(type: T["type"]): TransferRequest<T> {
  const header = { type, flags: 0, fenceIdLow: 0, fenceIdHigh: 0, ctxId: 0, ringIdx: 0 };
  const box = { x: 0, y: 0, z: 0, w: 0, h: 0, d: 0 };
  const command = { ...header, box, offset: 0, resourceId: 0, level: 0, stride: 0, layerStride: 0 } as unknown as T;
  return { command, totalBytes: 0, sizeBytes: 0 };
}

/** Records for both transfers. */
export function transferRequests(): {
  toHost: TransferRequest<TransferToHost3d>;
  fromHost: TransferRequest<TransferFromHost3d>;
} {
  return {
    toHost: transferRequest(CommandType.TransferToHost3d),
    fromHost: transferRequest(CommandType.TransferFromHost3d),
  };
}
