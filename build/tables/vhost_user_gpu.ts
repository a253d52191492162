/**
 * The protocol of the display socket that a vhost-user front end hands over by GPU_SET_SOCKET: the back end asks for the
 * screens' sizes and sends what they show. The facts are QEMU's docs/interop/vhost-user-gpu.rst and
 * contrib/vhost-user-gpu/vugpu.h; a clause is the section of the former.
 */

import { type Constant, type Group, id64, nested, type Struct, struct, u32 } from "./struct.ts";

const HEADER = "vhost-user-gpu, Header";
const PAYLOAD = "vhost-user-gpu, Payload types";
const PROTOCOL_FEATURES = "vhost-user-gpu, Protocol features";
const MESSAGES = "vhost-user-gpu, Message types";

const scanoutId = u32("scanout_id", { doc: "The scanout's index." });

const gpuMessageHeader = struct(
  { name: "gpu_message_header", cName: "VhostUserGpuMsg", clause: HEADER, doc: "What every message begins with." },
  [
    u32("request", { doc: "A `GpuRequest`." }),
    u32("flags", { doc: "GPU_MESSAGE_REPLY in a reply, else 0." }),
    u32("size", { doc: "Bytes of the payload.", property: "sizeBytes" }),
  ],
);

const gpuCursorPos = struct(
  {
    name: "gpu_cursor_pos",
    cName: "VhostUserGpuCursorPos",
    clause: PAYLOAD,
    doc: "Where a cursor's pointing pixel is.",
  },
  [
    scanoutId,
    u32("x", { doc: "Pixels from the left edge, which QEMU takes as signed." }),
    u32("y", { doc: "Pixels from the top edge, likewise." }),
  ],
);

/** The structs of the messages. */
export const gpuStructs: readonly Struct[] = [
  gpuMessageHeader,
  struct(
    {
      name: "gpu_features",
      cName: "u64",
      clause: PAYLOAD,
      doc: "A set of protocol features.",
    },
    [id64("features", { doc: "the bits" })],
  ),
  gpuCursorPos,
  struct(
    {
      name: "gpu_cursor_update",
      cName: "VhostUserGpuCursorUpdate",
      clause: PAYLOAD,
      doc: "A cursor's place and picture.",
      trailing: "pixels",
    },
    [nested("pos", gpuCursorPos, { doc: "The place." }), u32("hot_x"), u32("hot_y")],
  ),
  struct(
    {
      name: "gpu_scanout",
      cName: "VhostUserGpuScanout",
      clause: PAYLOAD,
      doc: "A scanout's size, 0 by 0 to disable it.",
    },
    [scanoutId, u32("width"), u32("height")],
  ),
  struct(
    {
      name: "gpu_update",
      cName: "VhostUserGpuUpdate",
      clause: PAYLOAD,
      doc: "A rectangle of a scanout that has changed.",
      trailing: "pixels",
    },
    [scanoutId, u32("x"), u32("y"), u32("width"), u32("height")],
  ),
  struct(
    { name: "gpu_edid_request", cName: "VhostUserGpuEdidRequest", clause: PAYLOAD, doc: "Whose EDID is wanted." },
    [scanoutId],
  ),
];

/** The numbers that belong to no group. */
export const gpuConstants: readonly Constant[] = [
  {
    name: "GPU_MESSAGE_REPLY",
    value: 4,
    cName: undefined,
    clause: HEADER,
    doc: "The bit of a header's flags that marks a reply.",
  },
  {
    name: "GPU_CURSOR_PIXELS",
    value: 64,
    cName: undefined,
    clause: PAYLOAD,
    doc: "Width and height of every cursor's picture.",
  },
];

/** The named numbers. */
export const gpuGroups: readonly Group[] = [
  {
    name: "GpuRequest",
    doc: "The number of each message.",
    clause: MESSAGES,
    cPrefix: "VHOST_USER_GPU_",
    members: [
      { name: "GET_PROTOCOL_FEATURES", value: 1, doc: "Asks for the features that the front end knows." },
      { name: "SET_PROTOCOL_FEATURES", value: 2, doc: "Says which of them are used." },
      { name: "GET_DISPLAY_INFO", value: 3, doc: "Asks for the sizes of the screens." },
      { name: "CURSOR_POS", value: 4, doc: "Shows the cursor at a place." },
      { name: "CURSOR_POS_HIDE", value: 5, doc: "Hides it." },
      { name: "CURSOR_UPDATE", value: 6, doc: "Changes its picture, and shows it." },
      { name: "SCANOUT", value: 7, doc: "Changes a scanout's size." },
      { name: "UPDATE", value: 8, doc: "Changes a rectangle of its pixels." },
      { name: "DMABUF_SCANOUT", value: 9, doc: "Shares a scanout's pixels by a file descriptor." },
      { name: "DMABUF_UPDATE", value: 10, doc: "Says what changed in them; has a reply." },
      { name: "GET_EDID", value: 11, doc: "Asks for a screen's EDID; needs the feature." },
      { name: "DMABUF_SCANOUT2", value: 12, doc: "DMABUF_SCANOUT with a modifier; needs the feature." },
    ],
  },
  {
    name: "GpuProtocolFeature",
    doc: "The number of each protocol feature bit.",
    clause: PROTOCOL_FEATURES,
    cPrefix: "VHOST_USER_GPU_PROTOCOL_F_",
    members: [
      { name: "EDID", value: 0, doc: "GET_EDID." },
      { name: "DMABUF2", value: 1, doc: "DMABUF_SCANOUT2." },
    ],
  },
];
