/** Writes `src/display/vhost_user_gpu.gen.ts`. */

import { banner, groupSource } from "./source.ts";
import { structSources } from "./vhost_user.ts";
import { constants } from "./virtio.ts";
import { gpuConstants, gpuGroups, gpuStructs } from "../tables/vhost_user_gpu.ts";

/** The source of `src/display/vhost_user_gpu.gen.ts`. */
export function vhostUserGpuSource(): string {
  return [
    banner("The display protocol of vhost-user-gpu: numbers, readers and writers.", "build/tables/vhost_user_gpu.ts"),
    constants(gpuConstants),
    ...gpuGroups.map((group) => groupSource(group)),
    ...structSources(gpuStructs),
  ].join("\n");
}
