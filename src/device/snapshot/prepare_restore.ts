import { PlainValue } from "../../snapshot/plain_value.ts";
import type { Restoration } from "../../virtio/virtio_device.ts";
import type { GpuConfig } from "../gpu_config.ts";
import type { GpuState } from "../gpu_state.ts";
import { MAX_PLACE_PIXELS, MAX_SIZE_PIXELS, type Output } from "../output.ts";
import type { ResourceTable } from "../resource_table.ts";
import type { ScanoutPicture } from "../scanout.ts";
import { type ChangedConfig, checkConfig } from "./check_config.ts";
import { checkContexts } from "./check_contexts.ts";
import { checkCursor } from "./check_cursor.ts";
import { checkScanout } from "./check_scanout.ts";
import type { ContextSnapshot, CursorSnapshot } from "./gpu_snapshot.ts";
import { makeResources } from "./make_resources.ts";

/** A device's state, checked and made. */
interface GpuStateToCome {
  readonly config: ChangedConfig;
  readonly outputs: readonly Output[];
  readonly resources: ResourceTable;
  readonly contexts: readonly ContextSnapshot[];
  readonly pictures: readonly (ScanoutPicture | undefined)[];
  readonly cursors: readonly CursorSnapshot[];
}

/**
 * Checks a snapshot of a device and makes its resources, which take their memory beside the present ones until `apply` gives
 * those back. Throws `TypeError` or `RangeError` that names what is wrong, with nothing changed and nothing taken.
 */
export function prepareRestore(gpu: GpuState, config: GpuConfig, snapshot: unknown): Restoration {
  const state = makeState(gpu, config, new PlainValue(snapshot, "device"));
  return {
    apply() {
      try {
        takeUp(gpu, config, state);
      } finally {
        state.resources.clear(); // there are none, unless somebody has thrown before they were taken up
      }
    },
    discard: () => state.resources.clear(),
  };
}

function makeState(gpu: GpuState, gpuConfig: GpuConfig, data: PlainValue): GpuStateToCome {
  const config = checkConfig(gpu, gpuConfig, data.field("config"));
  const outputs = onePerScanout(gpu, data.field("outputs")).map(checkOutput);
  const cursors = onePerScanout(gpu, data.field("cursors")).map((cursor) => checkCursor(cursor, gpu.limits));
  const resources = makeResources(gpu, data.field("resources"));
  try {
    const scanouts = onePerScanout(gpu, data.field("scanouts"));
    const pictures = scanouts.map((scanout) => checkScanout(scanout, resources));
    const contexts = checkContexts(gpu, data.field("contexts"), resources);
    return { config, outputs, resources, contexts, pictures, cursors };
  } catch (error) {
    resources.clear();
    throw error;
  }
}

function takeUp(gpu: GpuState, config: GpuConfig, state: GpuStateToCome): void {
  config.restore(state.config.eventsRead, state.config.generation);
  state.outputs.forEach((output, index) => Object.assign(gpu.outputs[index]!, output));
  gpu.resources.clear();
  gpu.contexts.clear();
  gpu.renderer?.reset(); // before the new resources reserve their memory: the renderer gives back what it has
  gpu.window?.reset();
  gpu.resources.takeOver(state.resources);
  for (const context of state.contexts) takeUpContext(gpu, context);
  gpu.scanouts.forEach((scanout, index) => {
    const picture = state.pictures[index];
    if (picture === undefined) scanout.disable();
    else scanout.restore(picture);
  });
  gpu.cursors.forEach((cursor, index) => cursor.restore(state.cursors[index]!));
}

/** The renderer makes it when it is used first: that may take it a while, or not succeed. */
function takeUpContext({ contexts }: GpuState, { attached, ...rest }: ContextSnapshot): void {
  const context = { ...rest, isLost: false, isMade: false, isUsed: false };
  contexts.add(context);
  for (const resourceId of attached) contexts.attach(context, resourceId);
}

/** The items of an array that has one for each scanout. */
function onePerScanout(gpu: GpuState, list: PlainValue): PlainValue[] {
  return list.items(gpu.scanouts.length, gpu.scanouts.length);
}

function checkOutput(output: PlainValue): Output {
  const place = (value: PlainValue) => value.isNull ? undefined : value.integer(0, MAX_PLACE_PIXELS);
  return {
    widthPixels: output.field("widthPixels").integer(1, MAX_SIZE_PIXELS),
    heightPixels: output.field("heightPixels").integer(1, MAX_SIZE_PIXELS),
    x: place(output.field("x")),
    y: place(output.field("y")),
    isEnabled: output.field("isEnabled").boolean(),
  };
}
