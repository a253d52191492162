import { MAX_PLACE_PIXELS, MAX_SIZE_PIXELS, type OutputOptions } from "../../device/output.ts";
import type { VirtioGpu } from "../../device/virtio_gpu.ts";
import type { GpuOutput } from "../../display/vhost_user_gpu_outputs.ts";

/** Brings a device's monitors up to what a front end wants them to be. */
export class FrontEndOutputs {
  readonly #gpu: VirtioGpu;
  readonly #initial: readonly OutputOptions[];
  #present: readonly OutputOptions[];

  /** The monitors of `gpu`, which was made with `initial`. */
  constructor(gpu: VirtioGpu, initial: readonly OutputOptions[]) {
    this.#gpu = gpu;
    this.#initial = initial;
    this.#present = initial;
  }

  /** Takes what a front end wants; undefined when there is none, and the monitors are the initial ones. */
  set(wanted: readonly GpuOutput[] | undefined): void {
    const before = this.#present;
    this.#present = this.#initial.map((initial, index) => {
      const output = wanted?.[index];
      return output === undefined ? initial : merge(before[index]!, output);
    });
    for (const [index, output] of this.#present.entries()) {
      if (!isSame(output, before[index]!)) this.#gpu.setOutput(index, { ...NOTHING, ...output });
    }
  }
}

/** What an `OutputOptions` says by saying nothing. */
const NOTHING = { x: undefined, y: undefined, isEnabled: true, edid: undefined };

/** What the front end says of a monitor, as far as it makes sense. */
function merge(before: OutputOptions, { isEnabled, widthPixels, heightPixels, x, y, edid }: GpuOutput): OutputOptions {
  const isSize = [widthPixels, heightPixels].every((size) => size >= 1 && size <= MAX_SIZE_PIXELS);
  if (!isEnabled || !isSize) return { ...before, isEnabled: isEnabled && isSize };
  const place = Math.max(x, y) <= MAX_PLACE_PIXELS ? { x, y } : {};
  const hasEdid = edid !== undefined && edid.length > 0;
  return { widthPixels, heightPixels, ...place, isEnabled, ...(hasEdid && { edid }) };
}

function isSame(a: OutputOptions, b: OutputOptions): boolean {
  return a.widthPixels === b.widthPixels && a.heightPixels === b.heightPixels && a.x === b.x && a.y === b.y &&
    (a.isEnabled ?? true) === (b.isEnabled ?? true) && isSameEdid(a.edid, b.edid);
}

function isSameEdid(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a?.length === b?.length && (a === undefined || a.every((byte, index) => byte === b![index]));
}
