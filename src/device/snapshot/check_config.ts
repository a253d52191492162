import type { Capset } from "../../renderer/renderer.ts";
import type { PlainValue } from "../../snapshot/plain_value.ts";
import type { GpuConfig } from "../gpu_config.ts";
import type { GpuState } from "../gpu_state.ts";
import type { ConfigSnapshot } from "./gpu_snapshot.ts";

const MAX_U32 = 0xffffffff;

/** What a snapshot says of the configuration space, as far as it changes. */
export type ChangedConfig = Pick<ConfigSnapshot, "eventsRead" | "generation">;

/**
 * Checks the configuration of a snapshot: what the guest's driver has read of its device must be true of this one, too.
 * Throws `TypeError` or `RangeError` that names what is wrong.
 */
export function checkConfig(
  { renderer, window }: GpuState,
  { blobAlignment }: GpuConfig,
  data: PlainValue,
): ChangedConfig {
  data.field("blobAlignment").integer(blobAlignment, blobAlignment);
  checkCapsets(data.field("capsets"), renderer?.capsets ?? []);
  const hostVisibleBytes = data.field("hostVisibleBytes");
  const windowBytes = window?.memory.lengthBytes ?? 0;
  if (hostVisibleBytes.unchecked !== 0) hostVisibleBytes.integer(windowBytes, windowBytes);
  return {
    eventsRead: data.field("eventsRead").integer(0, MAX_U32),
    generation: data.field("generation").integer(0, MAX_U32),
  };
}

/** A driver that has seen none misses none; one that has seen some finds the same ones by the same numbers. */
function checkCapsets(list: PlainValue, capsets: readonly Capset[]): void {
  if (list.items(0, capsets.length).length === 0) return;
  list.items(capsets.length, capsets.length).forEach((item, index) => {
    const { id, maxVersion, sizeBytes } = capsets[index]!;
    item.field("id").integer(id, id);
    item.field("maxVersion").integer(maxVersion, maxVersion);
    item.field("sizeBytes").integer(sizeBytes, sizeBytes);
  });
}
