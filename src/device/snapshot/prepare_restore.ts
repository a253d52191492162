import { PlainValue } from "../../snapshot/plain_value.ts";
import type { Restoration } from "../../virtio/virtio_device.ts";
import type { GpuConfig } from "../gpu_config.ts";
import type { GpuState } from "../gpu_state.ts";
import { MAX_PLACE_PIXELS, MAX_SIZE_PIXELS, type Output } from "../output.ts";
import { checkCursor } from "./check_cursor.ts";
import { checkScanout } from "./check_scanout.ts";
import { makeResources } from "./make_resources.ts";

const MAX_U32 = 0xffffffff;

/**
 * Checks a snapshot of a device and makes its resources, which take their memory beside the present ones until `apply` gives
 * those back. Throws `TypeError` or `RangeError` that names what is wrong, with nothing changed and nothing taken.
 */
export function prepareRestore(gpu: GpuState, config: GpuConfig, snapshot: unknown): Restoration {
  const data = new PlainValue(snapshot, "device");
  const { eventsRead, generation } = checkConfig(data.field("config"), config);
  const outputs = one(gpu, data.field("outputs")).map(checkOutput);
  const cursors = one(gpu, data.field("cursors")).map((cursor) => checkCursor(cursor, gpu.limits));
  const resources = makeResources(gpu, data.field("resources"));
  try {
    const pictures = one(gpu, data.field("scanouts")).map((scanout) => checkScanout(scanout, resources));
    return { apply: () => apply(), discard: () => resources.clear() };

    function apply(): void {
      config.restore(eventsRead, generation);
      outputs.forEach((output, index) => Object.assign(gpu.outputs[index]!, output));
      gpu.resources.takeOver(resources);
      gpu.scanouts.forEach((scanout, index) => {
        const picture = pictures[index];
        if (picture === undefined) scanout.disable();
        else scanout.restore(picture);
      });
      gpu.cursors.forEach((cursor, index) => cursor.restore(cursors[index]!));
    }
  } catch (error) {
    resources.clear();
    throw error;
  }
}

/** The items of an array that has one for each scanout. */
function one(gpu: GpuState, list: PlainValue): PlainValue[] {
  return list.items(gpu.scanouts.length, gpu.scanouts.length);
}

function checkConfig(config: PlainValue, { blobAlignment }: GpuConfig): { eventsRead: number; generation: number } {
  config.field("blobAlignment").integer(blobAlignment, blobAlignment);
  return {
    eventsRead: config.field("eventsRead").integer(0, MAX_U32),
    generation: config.field("generation").integer(0, MAX_U32),
  };
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
