/**
 * What every virtio device shares: split rings, status and feature bits, the PCI and MMIO transports' structures.
 * Numbers and layouts only; what they mean to the GPU is in `wire.ts`.
 */

import { bytes, type Constant, type Group, nested, type Struct, struct, u16, u32, u64, u8 } from "./struct.ts";

const STATUS = "Virtio 1.4, 2.1";
const DESCRIPTOR_TABLE = "Virtio 1.4, 2.7.5";
const AVAILABLE_RING = "Virtio 1.4, 2.7.6";
const USED_RING = "Virtio 1.4, 2.7.8";
const PCI_DISCOVERY = "Virtio 1.4, 4.1.2";
const PCI_CAPABILITIES = "Virtio 1.4, 4.1.4";
const PCI_COMMON = "Virtio 1.4, 4.1.4.3";
const PCI_NOTIFY = "Virtio 1.4, 4.1.4.4";
const PCI_ISR = "Virtio 1.4, 4.1.4.5";
const PCI_CONFIGURATION_ACCESS = "Virtio 1.4, 4.1.4.9";
const PCI_MSIX = "Virtio 1.4, 4.1.5.1.2";
const MMIO_REGISTERS = "Virtio 1.4, 4.2.2";
const FEATURES = "Virtio 1.4, 6";

/** The structs of a split ring; the available and the used ring end where their elements begin. */
export const ringStructs: readonly Struct[] = [
  struct(
    { name: "virtq_desc", cName: "vring_desc", clause: DESCRIPTOR_TABLE, doc: "A descriptor." },
    [u64("addr"), u32("len"), u16("flags"), u16("next")],
  ),
  struct(
    {
      name: "virtq_avail",
      cName: "vring_avail",
      clause: AVAILABLE_RING,
      doc: "The ring that the driver writes.",
      trailing: "ring",
    },
    [u16("flags"), u16("idx")],
  ),
  struct(
    {
      name: "virtq_used",
      cName: "vring_used",
      clause: USED_RING,
      doc: "The ring that the device writes.",
      trailing: "ring",
    },
    [u16("flags"), u16("idx")],
  ),
  struct(
    { name: "virtq_used_elem", cName: "vring_used_elem", clause: USED_RING, doc: "An element of the used ring." },
    [u32("id"), u32("len")],
  ),
];

/** The numbers that belong to rings; the kernels need them too. */
export const ringConstants: readonly Constant[] = [
  {
    name: "VIRTQ_DESC_F_NEXT",
    value: 1,
    cName: "VRING_DESC_F_NEXT",
    clause: DESCRIPTOR_TABLE,
    doc: "The chain goes on at `next`.",
  },
  {
    name: "VIRTQ_DESC_F_WRITE",
    value: 2,
    cName: "VRING_DESC_F_WRITE",
    clause: DESCRIPTOR_TABLE,
    doc: "The device writes these bytes; else it reads them.",
  },
  {
    name: "VIRTQ_DESC_F_INDIRECT",
    value: 4,
    cName: "VRING_DESC_F_INDIRECT",
    clause: DESCRIPTOR_TABLE,
    doc: "These bytes are a table of descriptors.",
  },
  {
    name: "VIRTQ_AVAIL_F_NO_INTERRUPT",
    value: 1,
    cName: "VRING_AVAIL_F_NO_INTERRUPT",
    clause: AVAILABLE_RING,
    doc: "The driver wants no interrupt.",
  },
  {
    name: "VIRTQ_USED_F_NO_NOTIFY",
    value: 1,
    cName: "VRING_USED_F_NO_NOTIFY",
    clause: USED_RING,
    doc: "The device wants no doorbell.",
  },
  {
    name: "VIRTQ_AVAIL_ELEM_SIZE",
    value: 2,
    cName: undefined,
    clause: AVAILABLE_RING,
    doc: "Bytes of an element of the available ring.",
  },
];

/** The numbers of the PCI transport. */
export const pciConstants: readonly Constant[] = [
  {
    name: "PCI_VENDOR_ID",
    value: 0x1af4,
    cName: undefined,
    clause: PCI_DISCOVERY,
    doc: "The vendor of every virtio device.",
  },
  {
    name: "PCI_DEVICE_ID_BASE",
    value: 0x1040,
    cName: undefined,
    clause: PCI_DISCOVERY,
    doc: "A function's device id less its virtio device id.",
  },
  {
    name: "PCI_CLASS_DISPLAY_OTHER",
    value: 0x0380,
    cName: undefined,
    clause: PCI_DISCOVERY,
    doc: "Class and subclass of a display without VGA.",
  },
  {
    name: "PCI_REVISION_ID",
    value: 1,
    cName: undefined,
    clause: PCI_DISCOVERY,
    doc: "The revision of a device that is not transitional.",
  },
  {
    name: "PCI_CAP_ID_VNDR",
    value: 0x09,
    cName: undefined,
    clause: PCI_CAPABILITIES,
    doc: "The id of a vendor-specific capability.",
  },
  {
    name: "MSI_NO_VECTOR",
    value: 0xffff,
    cName: "VIRTIO_MSI_NO_VECTOR",
    clause: PCI_MSIX,
    doc: "The vector that stands for none.",
  },
];

const pciCap = struct(
  {
    name: "pci_cap",
    cName: "virtio_pci_cap",
    clause: PCI_CAPABILITIES,
    doc: "A capability that says where a structure is.",
  },
  [
    u8("cap_vndr"),
    u8("cap_next"),
    u8("cap_len"),
    u8("cfg_type"),
    u8("bar"),
    u8("id"),
    bytes("padding", 2),
    u32("offset"),
    u32("length"),
  ],
);

/** The structures of the PCI transport. A 64-bit register is two, since a driver writes each half. */
export const pciStructs: readonly Struct[] = [
  pciCap,
  struct(
    {
      name: "pci_cap64",
      cName: "virtio_pci_cap64",
      clause: PCI_CAPABILITIES,
      doc: "A capability with 64-bit offset and length.",
    },
    [nested("cap", pciCap), u32("offset_hi"), u32("length_hi")],
  ),
  struct(
    {
      name: "pci_notify_cap",
      cName: "virtio_pci_notify_cap",
      clause: PCI_NOTIFY,
      doc: "The capability of the doorbells.",
    },
    [nested("cap", pciCap), u32("notify_off_multiplier")],
  ),
  struct(
    {
      name: "pci_cfg_cap",
      cName: "virtio_pci_cfg_cap",
      clause: PCI_CONFIGURATION_ACCESS,
      doc: "The capability that reaches BARs.",
    },
    [nested("cap", pciCap), bytes("pci_cfg_data", 4)],
  ),
  struct(
    {
      name: "common_cfg",
      cName: "virtio_pci_common_cfg",
      clause: PCI_COMMON,
      doc: "The registers that every device has.",
    },
    [
      u32("device_feature_select"),
      u32("device_feature"),
      u32("driver_feature_select", { cName: "guest_feature_select" }),
      u32("driver_feature", { cName: "guest_feature" }),
      u16("config_msix_vector", { cName: "msix_config" }),
      u16("num_queues"),
      u8("device_status"),
      u8("config_generation"),
      u16("queue_select"),
      u16("queue_size"),
      u16("queue_msix_vector"),
      u16("queue_enable"),
      u16("queue_notify_off"),
      u32("queue_desc_low", { cName: "queue_desc_lo" }),
      u32("queue_desc_high", { cName: "queue_desc_hi" }),
      u32("queue_driver_low", { cName: "queue_avail_lo" }),
      u32("queue_driver_high", { cName: "queue_avail_hi" }),
      u32("queue_device_low", { cName: "queue_used_lo" }),
      u32("queue_device_high", { cName: "queue_used_hi" }),
      u16("queue_notif_config_data"),
      u16("queue_reset"),
      u16("admin_queue_index"),
      u16("admin_queue_num"),
    ],
  ),
];

/** Status bits, feature bits, and what the transports number. */
export const virtioGroups: readonly Group[] = [
  {
    name: "DeviceStatus",
    doc: "The bits of the device status.",
    clause: STATUS,
    cPrefix: "VIRTIO_CONFIG_S_",
    members: [
      { name: "ACKNOWLEDGE", value: 1, doc: "The guest has seen the device." },
      { name: "DRIVER", value: 2, doc: "The guest has a driver for it." },
      { name: "DRIVER_OK", value: 4, doc: "The driver is ready." },
      { name: "FEATURES_OK", value: 8, doc: "The features are negotiated." },
      { name: "SUSPEND", value: 16, doc: "The driver has suspended the device." },
      { name: "DEVICE_NEEDS_RESET", value: 64, cName: "VIRTIO_CONFIG_S_NEEDS_RESET", doc: "The device cannot go on." },
      { name: "FAILED", value: 128, doc: "The driver has given up." },
    ],
  },
  {
    name: "VirtioFeature",
    doc: "The number of each feature bit that is not the device type's.",
    clause: FEATURES,
    cPrefix: "VIRTIO_F_",
    members: [
      { name: "INDIRECT_DESC", value: 28, cName: "VIRTIO_RING_F_INDIRECT_DESC", doc: "Tables of descriptors." },
      { name: "EVENT_IDX", value: 29, cName: "VIRTIO_RING_F_EVENT_IDX", doc: "`used_event` and `avail_event`." },
      { name: "VERSION_1", value: 32, doc: "Not a legacy device." },
      { name: "ACCESS_PLATFORM", value: 33, doc: "Addresses may be translated." },
      { name: "RING_PACKED", value: 34 },
      { name: "IN_ORDER", value: 35, doc: "Buffers are used in the order they were made available." },
      { name: "ORDER_PLATFORM", value: 36 },
      { name: "SR_IOV", value: 37 },
      { name: "NOTIFICATION_DATA", value: 38, doc: "The doorbell carries more than the queue's index." },
      { name: "NOTIF_CONFIG_DATA", value: 39, doc: "The doorbell carries what the device chose." },
      { name: "RING_RESET", value: 40, doc: "One queue may be reset." },
      { name: "ADMIN_VQ", value: 41 },
      { name: "SUSPEND", value: 43 },
    ],
  },
  {
    name: "InterruptStatus",
    doc: "The bits of the ISR status and of InterruptStatus of MMIO.",
    clause: PCI_ISR,
    cPrefix: "VIRTIO_MMIO_INT_",
    members: [
      { name: "QUEUE", value: 1, cName: "VIRTIO_MMIO_INT_VRING", doc: "A queue has used buffers." },
      { name: "CONFIG", value: 2, doc: "The configuration has changed, or the device needs a reset." },
    ],
  },
  {
    name: "PciCfgType",
    doc: "What a capability points to: `cfg_type`.",
    clause: PCI_CAPABILITIES,
    cPrefix: "VIRTIO_PCI_CAP_",
    members: [
      { name: "COMMON_CFG", value: 1 },
      { name: "NOTIFY_CFG", value: 2 },
      { name: "ISR_CFG", value: 3 },
      { name: "DEVICE_CFG", value: 4 },
      { name: "PCI_CFG", value: 5 },
      { name: "SHARED_MEMORY_CFG", value: 8 },
      { name: "VENDOR_CFG", value: 9 },
    ],
  },
  {
    name: "MmioRegister",
    doc:
      "The offset in bytes of each register of MMIO, version 2; all are 32 bits wide but `Config`, which begins there.",
    clause: MMIO_REGISTERS,
    cPrefix: "VIRTIO_MMIO_",
    members: [
      { name: "MAGIC_VALUE", value: 0x000 },
      { name: "VERSION", value: 0x004 },
      { name: "DEVICE_ID", value: 0x008 },
      { name: "VENDOR_ID", value: 0x00c },
      { name: "DEVICE_FEATURES", value: 0x010 },
      { name: "DEVICE_FEATURES_SEL", value: 0x014 },
      { name: "DRIVER_FEATURES", value: 0x020 },
      { name: "DRIVER_FEATURES_SEL", value: 0x024 },
      { name: "QUEUE_SEL", value: 0x030 },
      { name: "QUEUE_SIZE_MAX", value: 0x034, cName: "VIRTIO_MMIO_QUEUE_NUM_MAX" },
      { name: "QUEUE_SIZE", value: 0x038, cName: "VIRTIO_MMIO_QUEUE_NUM" },
      { name: "QUEUE_READY", value: 0x044 },
      { name: "QUEUE_NOTIFY", value: 0x050 },
      { name: "INTERRUPT_STATUS", value: 0x060 },
      { name: "INTERRUPT_ACK", value: 0x064 },
      { name: "STATUS", value: 0x070 },
      { name: "QUEUE_DESC_LOW", value: 0x080 },
      { name: "QUEUE_DESC_HIGH", value: 0x084 },
      { name: "QUEUE_DRIVER_LOW", value: 0x090, cName: "VIRTIO_MMIO_QUEUE_AVAIL_LOW" },
      { name: "QUEUE_DRIVER_HIGH", value: 0x094, cName: "VIRTIO_MMIO_QUEUE_AVAIL_HIGH" },
      { name: "QUEUE_DEVICE_LOW", value: 0x0a0, cName: "VIRTIO_MMIO_QUEUE_USED_LOW" },
      { name: "QUEUE_DEVICE_HIGH", value: 0x0a4, cName: "VIRTIO_MMIO_QUEUE_USED_HIGH" },
      { name: "SHM_SEL", value: 0x0ac },
      { name: "SHM_LEN_LOW", value: 0x0b0 },
      { name: "SHM_LEN_HIGH", value: 0x0b4 },
      { name: "SHM_BASE_LOW", value: 0x0b8 },
      { name: "SHM_BASE_HIGH", value: 0x0bc },
      { name: "QUEUE_RESET", value: 0x0c0 },
      { name: "CONFIG_GENERATION", value: 0x0fc },
      { name: "CONFIG", value: 0x100 },
    ],
  },
];

/** The numbers of the MMIO transport. */
export const mmioConstants: readonly Constant[] = [
  {
    name: "MMIO_MAGIC_VALUE",
    value: 0x74726976,
    cName: undefined,
    clause: MMIO_REGISTERS,
    doc: "What MagicValue reads: `virt`.",
  },
  { name: "MMIO_VERSION", value: 2, cName: undefined, clause: MMIO_REGISTERS, doc: "What Version reads." },
];
