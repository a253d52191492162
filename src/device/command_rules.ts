import {
  commandFeature,
  commandQueue,
  commandReplySize,
  commandSize,
  CommandType,
  type GpuFeature,
  type GpuQueue,
} from "../protocol/wire.gen.ts";
import { PARKED_REPLY_BYTES } from "./fence_table.ts";

/** What the wire table says of one type of command, to be checked before the command is carried out. */
export interface CommandRules {
  /** Bytes of its structure, header included. */
  readonly size: number;
  /** The queue that it comes over. */
  readonly queue: GpuQueue | undefined;
  /** The feature that it needs, or undefined. */
  readonly feature: GpuFeature | undefined;
  /** Bytes of its reply, header included. */
  readonly replySize: number;
  /** Whether its reply, capability sets included, may be longer than what is kept of a chain that waits for its fence. */
  readonly isReplyTooLargeToPark: boolean;
  /** Whether it is about contexts and their resources (0x2xx). */
  readonly isOfContexts: boolean;
  /** Whether it is work for the renderer, which says when that is done. */
  readonly isRendererWork: boolean;
}

/** Indexed by type. One look-up here takes 3 ns, the four switches of `wire.gen.ts` take 15. */
const RULES = new Array<CommandRules | undefined>(Math.max(...Object.values(CommandType)) + 1).fill(undefined);
for (const type of Object.values(CommandType)) {
  RULES[type] = {
    size: commandSize(type),
    queue: commandQueue(type),
    feature: commandFeature(type),
    replySize: commandReplySize(type),
    isReplyTooLargeToPark: commandReplySize(type) > PARKED_REPLY_BYTES || type === CommandType.GetCapset,
    isOfContexts: isOfContexts(type),
    isRendererWork: isOfContexts(type) || type === CommandType.ResourceFlush, // what contexts draw may be shown
  };
}

function isOfContexts(type: CommandType): boolean {
  return type >= CommandType.CtxCreate && type <= CommandType.ResourceUnmapBlob;
}

/** The rules of commands of `type`, any u32 from a guest; undefined when there is no such command. */
export function commandRules(type: number): CommandRules | undefined {
  return type < RULES.length ? RULES[type] : undefined;
}
