/**
 * The virtio-gpu wire format, written once. Everything that names an offset, a size or a command number is generated from
 * here: readers, writers, names, the kernels' constants. The header check and the fuzzer import it.
 *
 * A new command is one row of `commands`.
 */

import { bytes, type Field, i32, id64, nested, type Struct, struct, u32, u64, u8, words } from "./struct.ts";

const CONFIGURATION = "Virtio 1.4, 5.7.4";
const HEADER = "Virtio 1.4, 5.7.6.7";
const CONTROLQ = "Virtio 1.4, 5.7.6.8";
const CONTROLQ_3D = "Virtio 1.4, 5.7.6.9";
const CURSORQ = "Virtio 1.4, 5.7.6.10";

/** A feature of the device that a command may need. */
export type FeatureName = "VIRGL" | "EDID" | "RESOURCE_UUID" | "RESOURCE_BLOB" | "CONTEXT_INIT";

/** The name of a reply without an error, after VIRTIO_GPU_RESP_OK_. */
export type ReplyName = "NODATA" | "DISPLAY_INFO" | "CAPSET_INFO" | "CAPSET" | "EDID" | "RESOURCE_UUID" | "MAP_INFO";

/** One command: everything that is known of it before a handler runs. */
export interface Command {
  readonly type: number;
  /** The specification's name, after VIRTIO_GPU_CMD_. */
  readonly name: string;
  readonly queue: "CONTROL" | "CURSOR";
  /** The feature that must have been negotiated; undefined for the commands that every device has. */
  readonly feature: FeatureName | undefined;
  /** The reply when nothing is wrong. */
  readonly reply: ReplyName;
  readonly request: Struct;
  readonly clause: string;
  readonly doc: string;
}

/** One reply type. */
export interface Response {
  readonly type: number;
  /** The specification's name, after VIRTIO_GPU_RESP_. */
  readonly name: string;
  readonly struct: Struct;
  readonly clause: string;
  readonly doc: string;
}

// Structs that others hold.

/** What every request and every reply begins with. */
export const ctrlHdr = struct(
  { name: "ctrl_hdr", cName: "virtio_gpu_ctrl_hdr", clause: HEADER, doc: "The header of every request and reply." },
  [u32("type"), u32("flags"), id64("fence_id"), u32("ctx_id"), u8("ring_idx"), bytes("padding", 3)],
);

const rect = struct(
  { name: "rect", cName: "virtio_gpu_rect", clause: CONTROLQ, doc: "A rectangle of pixels; 0,0 is top left." },
  [u32("x"), u32("y"), u32("width"), u32("height")],
);

const box = struct(
  { name: "box", cName: "virtio_gpu_box", clause: CONTROLQ_3D, doc: "A box of texels." },
  [u32("x"), u32("y"), u32("z"), u32("w"), u32("h"), u32("d")],
);

const cursorPos = struct(
  { name: "cursor_pos", cName: "virtio_gpu_cursor_pos", clause: CURSORQ, doc: "Where a cursor is." },
  [
    u32("scanout_id"),
    i32("x", { doc: "Pixels from the scanout's left edge, signed: Linux sends negative ones." }),
    i32("y", { doc: "Pixels from the scanout's top edge, signed: Linux sends negative ones." }),
    u32("padding"),
  ],
);

const displayOne = struct(
  { name: "display_one", cName: "virtio_gpu_display_one", clause: CONTROLQ, doc: "What one scanout should show." },
  [nested("r", rect, { property: "rect" }), u32("enabled"), u32("flags", { doc: "No bit is assigned." })],
);

/** A run of guest memory, as RESOURCE_ATTACH_BACKING and RESOURCE_CREATE_BLOB list them. */
export const memEntry = struct(
  { name: "mem_entry", cName: "virtio_gpu_mem_entry", clause: CONTROLQ, doc: "A run of guest memory." },
  [u64("addr"), u32("length"), u32("padding")],
);

/** The configuration space. */
export const config = struct(
  {
    name: "config",
    cName: "virtio_gpu_config",
    clause: CONFIGURATION,
    doc: "The configuration space.",
  },
  [
    u32("events_read"),
    u32("events_clear"),
    u32("num_scanouts"),
    u32("num_capsets"),
    u32("blob_alignment", { doc: "Without BLOB_ALIGNMENT the configuration ends here." }),
  ],
);

/** The structs that messages are made of. */
export const parts: readonly Struct[] = [rect, box, cursorPos, displayOne, memEntry];

/** `fields` after the header; `trailing` names what follows them in the same buffer. */
function message(name: string, clause: string, fields: readonly Field[], trailing: string | undefined): Struct {
  const description = { name, cName: `virtio_gpu_${name}`, clause, doc: "" };
  return struct(trailing === undefined ? description : { ...description, trailing }, [
    nested("hdr", ctrlHdr),
    ...fields,
  ]);
}

interface CommandRow {
  readonly doc: string;
  /** What follows the header. */
  readonly fields: readonly Field[];
  /** Default: none. */
  readonly feature?: FeatureName;
  /** Default: NODATA. */
  readonly reply?: ReplyName;
  /** What follows the fields. */
  readonly trailing?: string;
  /** Default: the command's name in lower case. */
  readonly struct?: string;
}

const families: Record<number, Pick<Command, "queue" | "clause">> = {
  1: { queue: "CONTROL", clause: CONTROLQ },
  2: { queue: "CONTROL", clause: CONTROLQ_3D },
  3: { queue: "CURSOR", clause: CURSORQ },
};

function command(type: number, name: string, row: CommandRow): Command {
  const { queue, clause } = families[type >>> 8]!;
  const request = message(row.struct ?? name.toLowerCase(), clause, row.fields, row.trailing);
  return { type, name, queue, feature: row.feature, reply: row.reply ?? "NODATA", request, clause, doc: row.doc };
}

const rectangle = nested("r", rect, { property: "rect" });

const transferHost3d = [
  nested("box", box),
  u64("offset", { doc: "Where the box's first byte lies in the backing, in bytes; saturates at 2^53." }),
  u32("resource_id"),
  u32("level"),
  u32("stride"),
  u32("layer_stride"),
];

const updateCursor = [
  nested("pos", cursorPos),
  u32("resource_id", { doc: "The resource that holds the image; 0 hides the cursor." }),
  u32("hot_x"),
  u32("hot_y"),
  u32("padding"),
];

/** Every command, in the order of its number. */
export const commands: readonly Command[] = [
  command(0x0100, "GET_DISPLAY_INFO", {
    doc: "Asks for the size and place of every scanout.",
    struct: "ctrl_hdr",
    fields: [],
    reply: "DISPLAY_INFO",
  }),
  command(0x0101, "RESOURCE_CREATE_2D", {
    doc: "Makes a two-dimensional resource.",
    fields: [u32("resource_id"), u32("format"), u32("width"), u32("height")],
  }),
  command(0x0102, "RESOURCE_UNREF", {
    doc: "Destroys a resource.",
    fields: [u32("resource_id"), u32("padding")],
  }),
  command(0x0103, "SET_SCANOUT", {
    doc: "Shows a rectangle of a resource on a scanout.",
    fields: [
      rectangle,
      u32("scanout_id"),
      u32("resource_id", { doc: "The resource to show; 0 disables the scanout." }),
    ],
  }),
  command(0x0104, "RESOURCE_FLUSH", {
    doc: "Brings a rectangle of a resource to every scanout that shows it.",
    fields: [rectangle, u32("resource_id"), u32("padding")],
  }),
  command(0x0105, "TRANSFER_TO_HOST_2D", {
    doc: "Copies a rectangle from the guest's pages into a resource.",
    fields: [
      rectangle,
      u64("offset", { doc: "Where the rectangle's first pixel lies in the backing, in bytes; saturates at 2^53." }),
      u32("resource_id"),
      u32("padding"),
    ],
  }),
  command(0x0106, "RESOURCE_ATTACH_BACKING", {
    doc: "Gives a resource the guest's pages.",
    fields: [u32("resource_id"), u32("nr_entries")],
    trailing: "entries",
  }),
  command(0x0107, "RESOURCE_DETACH_BACKING", {
    doc: "Takes the guest's pages from a resource.",
    fields: [u32("resource_id"), u32("padding")],
  }),
  command(0x0108, "GET_CAPSET_INFO", {
    doc: "Asks for the id, the version and the size of a capability set.",
    feature: "VIRGL",
    fields: [u32("capset_index"), u32("padding")],
    reply: "CAPSET_INFO",
  }),
  command(0x0109, "GET_CAPSET", {
    doc: "Asks for a capability set.",
    feature: "VIRGL",
    fields: [u32("capset_id"), u32("capset_version")],
    reply: "CAPSET",
  }),
  command(0x010a, "GET_EDID", {
    doc: "Asks for the EDID of a scanout.",
    feature: "EDID",
    struct: "cmd_get_edid",
    fields: [u32("scanout"), u32("padding")],
    reply: "EDID",
  }),
  command(0x010b, "RESOURCE_ASSIGN_UUID", {
    doc: "Asks for a UUID by which other devices know a resource.",
    feature: "RESOURCE_UUID",
    fields: [u32("resource_id"), u32("padding")],
    reply: "RESOURCE_UUID",
  }),
  command(0x010c, "RESOURCE_CREATE_BLOB", {
    doc: "Makes a blob resource.",
    feature: "RESOURCE_BLOB",
    fields: [
      u32("resource_id"),
      u32("blob_mem"),
      u32("blob_flags"),
      u32("nr_entries"),
      id64("blob_id"),
      u64("size"),
    ],
    trailing: "entries",
  }),
  command(0x010d, "SET_SCANOUT_BLOB", {
    doc: "Shows a rectangle of a picture in a blob on a scanout.",
    feature: "RESOURCE_BLOB",
    fields: [
      rectangle,
      u32("scanout_id"),
      u32("resource_id", { doc: "The blob to show; 0 disables the scanout." }),
      u32("width"),
      u32("height"),
      u32("format"),
      u32("padding"),
      words("strides", 4),
      words("offsets", 4),
    ],
  }),

  command(0x0200, "CTX_CREATE", {
    doc: "Makes the context `ctxId`.",
    feature: "VIRGL",
    fields: [u32("nlen"), u32("context_init"), bytes("debug_name", 64)],
  }),
  command(0x0201, "CTX_DESTROY", {
    doc: "Destroys the context `ctxId`.",
    feature: "VIRGL",
    fields: [],
  }),
  command(0x0202, "CTX_ATTACH_RESOURCE", {
    doc: "Lets the context `ctxId` use a resource.",
    feature: "VIRGL",
    struct: "ctx_resource",
    fields: [u32("resource_id"), u32("padding")],
  }),
  command(0x0203, "CTX_DETACH_RESOURCE", {
    doc: "Ends the use of a resource by the context `ctxId`.",
    feature: "VIRGL",
    struct: "ctx_resource",
    fields: [u32("resource_id"), u32("padding")],
  }),
  command(0x0204, "RESOURCE_CREATE_3D", {
    doc: "Makes a resource of the renderer.",
    feature: "VIRGL",
    fields: [
      u32("resource_id"),
      u32("target"),
      u32("format", { doc: "The renderer's number of the format, of which `Format` is a part." }),
      u32("bind"),
      u32("width", { doc: "Width in texels." }),
      u32("height", { doc: "Height in texels." }),
      u32("depth"),
      u32("array_size"),
      u32("last_level"),
      u32("nr_samples"),
      // `flags` is the header's
      u32("flags", { property: "resourceFlags", doc: "RESOURCE_FLAG_Y_0_TOP or 0; any u32 from a guest." }),
      u32("padding"),
    ],
  }),
  command(0x0205, "TRANSFER_TO_HOST_3D", {
    doc: "Copies a box from the guest's pages into a resource.",
    feature: "VIRGL",
    struct: "transfer_host_3d",
    fields: transferHost3d,
  }),
  command(0x0206, "TRANSFER_FROM_HOST_3D", {
    doc: "Copies a box from a resource into the guest's pages.",
    feature: "VIRGL",
    struct: "transfer_host_3d",
    fields: transferHost3d,
  }),
  command(0x0207, "SUBMIT_3D", {
    doc: "Hands the context `ctxId` a command stream.",
    feature: "VIRGL",
    struct: "cmd_submit",
    fields: [u32("size", { doc: "Bytes of the command stream that follows; any u32 from a guest." }), u32("padding")],
    trailing: "data",
  }),
  command(0x0208, "RESOURCE_MAP_BLOB", {
    doc: "Puts a host blob into the host visible memory region.",
    feature: "RESOURCE_BLOB",
    fields: [
      u32("resource_id"),
      u32("padding"),
      u64("offset", { doc: "Where in the host visible memory region, in bytes; saturates at 2^53." }),
    ],
    reply: "MAP_INFO",
  }),
  command(0x0209, "RESOURCE_UNMAP_BLOB", {
    doc: "Takes a host blob out of the host visible memory region.",
    feature: "RESOURCE_BLOB",
    fields: [u32("resource_id"), u32("padding")],
  }),

  command(0x0300, "UPDATE_CURSOR", {
    doc: "Sets the image, the hotspot and the place of a scanout's cursor.",
    struct: "update_cursor",
    fields: updateCursor,
  }),
  command(0x0301, "MOVE_CURSOR", {
    doc: "Sets the place of a scanout's cursor; the fields after `pos` are ignored.",
    struct: "update_cursor",
    fields: updateCursor,
  }),
];

function reply(type: number, name: ReplyName, doc: string, fields: readonly Field[], trailing?: string): Response {
  const clause = name === "MAP_INFO" ? CONTROLQ_3D : CONTROLQ;
  return {
    type,
    name: `OK_${name}`,
    struct: message(`resp_${name.toLowerCase()}`, clause, fields, trailing),
    clause,
    doc,
  };
}

function bare(type: number, name: string, doc: string): Response {
  return { type, name, struct: ctrlHdr, clause: HEADER, doc };
}

/** Every reply, in the order of its number. */
export const responses: readonly Response[] = [
  bare(0x1100, "OK_NODATA", "Done, nothing to tell."),
  reply(0x1101, "DISPLAY_INFO", "The size and place of every scanout.", [nested("pmodes", displayOne, {}, 16)]),
  reply(0x1102, "CAPSET_INFO", "What a capability set is.", [
    u32("capset_id"),
    u32("capset_max_version"),
    u32("capset_max_size"),
    u32("padding"),
  ]),
  reply(0x1103, "CAPSET", "A capability set.", [], "capset_data"),
  reply(0x1104, "EDID", "The EDID of a scanout.", [
    u32("size", { doc: "Bytes of the EDID that are valid." }),
    u32("padding"),
    bytes("edid", 1024),
  ]),
  reply(0x1105, "RESOURCE_UUID", "The UUID of a resource.", [bytes("uuid", 16)]),
  reply(0x1106, "MAP_INFO", "How the guest should map a blob.", [u32("map_info"), u32("padding")]),

  bare(0x1200, "ERR_UNSPEC", "Refused, for a reason that no other error says."),
  bare(0x1201, "ERR_OUT_OF_MEMORY", "Refused for want of memory."),
  bare(0x1202, "ERR_INVALID_SCANOUT_ID", "There is no such scanout."),
  bare(0x1203, "ERR_INVALID_RESOURCE_ID", "There is no such resource, or there is one already."),
  bare(0x1204, "ERR_INVALID_CONTEXT_ID", "There is no such context, or there is one already."),
  bare(0x1205, "ERR_INVALID_PARAMETER", "A field has a value that is not allowed."),
];
