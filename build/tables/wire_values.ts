/** The named numbers of the virtio-gpu wire format that fields hold, except the command and reply types. */

import type { Constant, Group } from "./struct.ts";

const DEVICE_ID = "Virtio 1.4, 5.7.1";
const VIRTQUEUES = "Virtio 1.4, 5.7.2";
const FEATURE_BITS = "Virtio 1.4, 5.7.3";
const EVENTS = "Virtio 1.4, 5.7.4.2";
const INITIALIZATION = "Virtio 1.4, 5.7.5";
const HEADER = "Virtio 1.4, 5.7.6.7";
const CONTROLQ = "Virtio 1.4, 5.7.6.8";
const CONTROLQ_3D = "Virtio 1.4, 5.7.6.9";

/** The groups of numbers that fields hold. */
export const groups: readonly Group[] = [
  {
    name: "GpuQueue",
    doc: "The index of each virtqueue.",
    clause: VIRTQUEUES,
    cPrefix: "",
    members: [
      { name: "CONTROL", value: 0, cName: null, doc: "Every command but the cursor's." },
      { name: "CURSOR", value: 1, cName: null, doc: "UPDATE_CURSOR and MOVE_CURSOR." },
    ],
  },
  {
    name: "GpuFeature",
    doc: "The number of each feature bit of the device.",
    clause: FEATURE_BITS,
    cPrefix: "VIRTIO_GPU_F_",
    members: [
      { name: "VIRGL", value: 0, doc: "3D commands." },
      { name: "EDID", value: 1, doc: "GET_EDID." },
      { name: "RESOURCE_UUID", value: 2, doc: "RESOURCE_ASSIGN_UUID." },
      { name: "RESOURCE_BLOB", value: 3, doc: "Blob resources." },
      { name: "CONTEXT_INIT", value: 4, doc: "Context types and timelines; needs VIRGL." },
      { name: "BLOB_ALIGNMENT", value: 5, doc: "`blob_alignment` in the configuration; needs RESOURCE_BLOB." },
    ],
  },
  {
    name: "ConfigEvent",
    doc: "The bits of `events_read` and `events_clear`.",
    clause: EVENTS,
    cPrefix: "VIRTIO_GPU_EVENT_",
    members: [{ name: "DISPLAY", value: 1, doc: "A scanout's size, place or EDID has changed." }],
  },
  {
    name: "ShmId",
    doc: "The ids of the shared memory regions.",
    clause: INITIALIZATION,
    cPrefix: "VIRTIO_GPU_SHM_ID_",
    members: [
      { name: "UNDEFINED", value: 0 },
      { name: "HOST_VISIBLE", value: 1, doc: "The region that RESOURCE_MAP_BLOB maps into." },
    ],
  },
  {
    name: "CtrlFlag",
    doc: "The bits of the header's `flags`.",
    clause: HEADER,
    cPrefix: "VIRTIO_GPU_FLAG_",
    members: [
      { name: "FENCE", value: 1, doc: "The reply comes when the work is done, and echoes the fence id." },
      { name: "INFO_RING_IDX", value: 2, doc: "`ring_idx` names the timeline of the fence." },
    ],
  },
  {
    name: "Format",
    doc: "The formats of pixels, four bytes each; the names give the order of the bytes in memory.",
    clause: CONTROLQ,
    cPrefix: "VIRTIO_GPU_FORMAT_",
    members: [
      { name: "B8G8R8A8_UNORM", value: 1, doc: "Blue, green, red, alpha." },
      { name: "B8G8R8X8_UNORM", value: 2, doc: "Blue, green, red, unused; what Linux uses." },
      { name: "A8R8G8B8_UNORM", value: 3 },
      { name: "X8R8G8B8_UNORM", value: 4 },
      { name: "R8G8B8A8_UNORM", value: 67 },
      { name: "X8B8G8R8_UNORM", value: 68 },
      { name: "A8B8G8R8_UNORM", value: 121 },
      { name: "R8G8B8X8_UNORM", value: 134 },
    ],
  },
  {
    name: "BlobMem",
    doc: "Where the bytes of a blob are.",
    clause: CONTROLQ,
    cPrefix: "VIRTIO_GPU_BLOB_MEM_",
    members: [
      { name: "GUEST", value: 1, doc: "In the guest's pages alone." },
      { name: "HOST3D", value: 2, doc: "In an object of a context alone." },
      { name: "HOST3D_GUEST", value: 3, doc: "In an object of a context, with the guest's pages as its shadow." },
    ],
  },
  {
    name: "BlobFlag",
    doc: "The bits of `blob_flags`: how the guest will use a blob.",
    clause: CONTROLQ,
    cPrefix: "VIRTIO_GPU_BLOB_FLAG_",
    members: [
      { name: "USE_MAPPABLE", value: 1, doc: "It will be mapped." },
      { name: "USE_SHAREABLE", value: 2, doc: "Another context will use it." },
      { name: "USE_CROSS_DEVICE", value: 4, doc: "Another device will use it." },
    ],
  },
  {
    name: "CapsetId",
    doc: "The ids of the capability sets.",
    clause: CONTROLQ,
    cPrefix: "VIRTIO_GPU_CAPSET_",
    members: [
      { name: "VIRGL", value: 1, doc: "OpenGL, first edition." },
      { name: "VIRGL2", value: 2, doc: "OpenGL, second edition." },
      { name: "GFXSTREAM", value: 3, doc: "GLES and Vulkan streams." },
      { name: "VENUS", value: 4, doc: "Vulkan." },
      { name: "CROSS_DOMAIN", value: 5, doc: "Wayland proxying." },
    ],
  },
  {
    name: "MapInfo",
    doc: "How the guest should cache a mapped blob; the bits of `map_info` under MAP_CACHE_MASK.",
    clause: CONTROLQ_3D,
    cPrefix: "VIRTIO_GPU_MAP_CACHE_",
    members: [
      { name: "NONE", value: 0 },
      { name: "CACHED", value: 1 },
      { name: "UNCACHED", value: 2 },
      { name: "WC", value: 3, doc: "Write combining." },
    ],
  },
];

/** The numbers that belong to no group. */
export const constants: readonly Constant[] = [
  {
    name: "DEVICE_ID",
    value: 16,
    cName: "VIRTIO_ID_GPU",
    clause: DEVICE_ID,
    doc: "The virtio device id of a GPU.",
  },
  {
    name: "MAX_SCANOUTS",
    value: 16,
    cName: "VIRTIO_GPU_MAX_SCANOUTS",
    clause: CONTROLQ,
    doc: "The most scanouts that a device may have.",
  },
  {
    name: "MAX_RING_IDX",
    value: 63,
    cName: undefined,
    clause: HEADER,
    doc: "The highest `ring_idx`.",
  },
  {
    name: "MAP_CACHE_MASK",
    value: 0x0f,
    cName: "VIRTIO_GPU_MAP_CACHE_MASK",
    clause: CONTROLQ_3D,
    doc: "The bits of `map_info` that hold a `MapInfo`.",
  },
  {
    name: "CONTEXT_INIT_CAPSET_ID_MASK",
    value: 0xff,
    cName: "VIRTIO_GPU_CONTEXT_INIT_CAPSET_ID_MASK",
    clause: CONTROLQ_3D,
    doc: "The bits of `context_init` that hold a `CapsetId`; 0 leaves the choice to the device.",
  },
  {
    name: "RESOURCE_FLAG_Y_0_TOP",
    value: 1,
    cName: "VIRTIO_GPU_RESOURCE_FLAG_Y_0_TOP",
    clause: CONTROLQ_3D,
    doc: "The bit of RESOURCE_CREATE_3D's flags that puts row 0 at the top.",
  },
];
