/**
 * Tests of the device that any renderer passes, once more with the renderers behind a `RemoteRenderer`, both sides of which
 * work after each kick. Those are not here that look at the renderer while it works.
 */

import { makeRenderersRemote } from "../support/renderer_machine.ts";

makeRenderersRemote();
await import("../device/fault_order_3d_test.ts");
await import("../device/host_visible_memory_2_10_test.ts");
await import("../device/commands/get_capset_info_5_7_6_8_test.ts");
await import("../hostile/fences_h16_test.ts");
