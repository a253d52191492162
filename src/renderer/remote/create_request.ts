import { CommandType, type ResourceCreate3d } from "../../protocol/wire.gen.ts";
import type { RequestSender } from "./request_sender.ts";

/** Words of a RESOURCE_CREATE_3D's arguments. */
export const CREATE_WORDS = 12;

/** Writes the command as it crosses to the renderer's thread. */
export function putCreate(sender: RequestSender, command: ResourceCreate3d): void {
  sender.put(command.ctxId);
  sender.put(command.resourceId);
  sender.put(command.target);
  sender.put(command.format);
  sender.put(command.bind);
  sender.put(command.width);
  sender.put(command.height);
  sender.put(command.depth);
  sender.put(command.arraySize);
  sender.put(command.lastLevel);
  sender.put(command.nrSamples);
  sender.put(command.resourceFlags);
}

/** Reads the command from `words` at `at`; its header is empty but for the context. */
export function readCreate(words: Int32Array, at: number): ResourceCreate3d {
  const word = (index: number) => words[at + index]! >>> 0;
  return {
    type: CommandType.ResourceCreate3d,
    flags: 0,
    fenceIdLow: 0,
    fenceIdHigh: 0,
    ctxId: word(0),
    ringIdx: 0,
    resourceId: word(1),
    target: word(2),
    format: word(3),
    bind: word(4),
    width: word(5),
    height: word(6),
    depth: word(7),
    arraySize: word(8),
    lastLevel: word(9),
    nrSamples: word(10),
    resourceFlags: word(11),
  };
}
