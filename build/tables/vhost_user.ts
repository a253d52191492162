/**
 * The vhost-user protocol, as far as a back end of a virtio device speaks it: messages over a Unix socket with which a front
 * end (QEMU, crosvm, user-mode Linux) hands over guest memory and virtqueues. The facts are QEMU's
 * docs/interop/vhost-user.rst; a clause is the section there.
 *
 * A request that the back end carries out is one row of `requests`.
 */

import { type Constant, type Group, id64, nested, type Struct, struct, u32, u64 } from "./struct.ts";

const HEADER = "vhost-user, Header";
const PAYLOAD = "vhost-user, Payload";
const COMMUNICATION = "vhost-user, Communication";
const PROTOCOL_FEATURES = "vhost-user, Protocol features";
const FRONT_END_MESSAGES = "vhost-user, Front-end message types";
const BACK_END_MESSAGES = "vhost-user, Back-end message types";

/** What every message begins with. */
export const messageHeader = struct(
  { name: "message_header", cName: "VhostUserHeader", clause: HEADER, doc: "What every message begins with." },
  [
    u32("request", { doc: "Which message it is; any u32 from a front end." }),
    u32("flags", { doc: "The version and bits of `MessageFlag`; any u32 from a front end." }),
    u32("size", { doc: "Bytes of the payload; any u32 from a front end.", property: "sizeBytes" }),
  ],
);

const u64Payload = struct(
  { name: "u64_payload", cName: "u64", clause: PAYLOAD, doc: "A payload of one 64-bit number." },
  [id64("value", { doc: "the number" })],
);

const vringState = struct(
  { name: "vring_state", cName: "vhost_vring_state", clause: PAYLOAD, doc: "A ring and a number that is said of it." },
  [u32("index", { doc: "The ring." }), u32("num", { doc: "The number." })],
);

const vringAddr = struct(
  {
    name: "vring_addr",
    cName: "vhost_vring_addr",
    clause: PAYLOAD,
    doc: "Where a ring's parts lie, in the front end's own addresses.",
  },
  [
    u32("index", { doc: "The ring." }),
    u32("flags", { doc: "Bit 0 asks for a log of what is written, which is not offered." }),
    u64("descriptor", { doc: "Of the descriptor table; saturates at 2^53.", property: "descriptorAddress" }),
    u64("used", { doc: "Of the used ring; saturates at 2^53.", property: "usedAddress" }),
    u64("available", { doc: "Of the available ring; saturates at 2^53.", property: "availableAddress" }),
    u64("log", { doc: "For a log of what is written; saturates at 2^53.", property: "logAddress" }),
  ],
);

const memoryRegion = struct(
  { name: "memory_region", cName: "VhostUserMemoryRegion", clause: PAYLOAD, doc: "A range of guest memory in a file." },
  [
    u64("guest_address", { doc: "Its first guest-physical address; saturates at 2^53." }),
    u64("size", { doc: "Its length in bytes; saturates at 2^53.", property: "sizeBytes" }),
    u64("user_address", { doc: "Where the front end itself has it; saturates at 2^53." }),
    u64("mmap_offset", { doc: "Where it begins in the file; saturates at 2^53.", property: "fileOffset" }),
  ],
);

const memoryTable = struct(
  {
    name: "memory_table",
    cName: "VhostUserMemory",
    clause: PAYLOAD,
    doc: "A list of regions.",
    trailing: "regions",
  },
  [u32("num_regions", { doc: "How many there are; any u32 from a front end." }), u32("padding")],
);

const memorySlot = struct(
  { name: "memory_slot", cName: "VhostUserMemRegMsg", clause: PAYLOAD, doc: "One region." },
  [u32("padding"), u32("padding_high"), nested("region", memoryRegion, { doc: "The region." })],
);

const configAccess = struct(
  {
    name: "config_access",
    cName: "VhostUserConfig",
    clause: PAYLOAD,
    doc: "A part of the configuration space.",
    trailing: "bytes",
  },
  [
    u32("offset", { doc: "Where it begins." }),
    u32("size", { doc: "Its length.", property: "sizeBytes" }),
    u32("flags", { doc: "0 when the driver writes, 1 when a migration does." }),
  ],
);

const shmemConfig = struct(
  {
    name: "shmem_config",
    cName: "VhostUserShMemConfig",
    clause: PAYLOAD,
    doc:
      "What shared memory regions there are. A size in bytes for every id follows: le64, 0 where there is no region.",
    trailing: "sizes",
  },
  [u32("num_regions", { doc: "How many sizes are not 0." }), u32("padding")],
);

const shmemMapping = struct(
  {
    name: "shmem_mapping",
    cName: "VhostUserMMap",
    clause: PAYLOAD,
    doc: "A range of a file, and where in a shared memory region it is to be seen.",
  },
  [
    u32("shmid", { doc: "The region's id, 0 to 255: on the wire a byte and seven of padding.", property: "regionId" }),
    u32("padding"),
    u64("fd_offset", { doc: "Where the range begins in the file.", property: "fileOffset" }),
    u64("shm_offset", { doc: "Where it is seen in the region.", property: "regionOffset" }),
    u64("len", { doc: "Its length.", property: "sizeBytes" }),
    u32("flags", { doc: "Bits of `ShmemFlag`." }),
    u32("padding_flags"),
  ],
);

/** The structs of the payloads. */
export const payloads: readonly Struct[] = [
  u64Payload,
  vringState,
  vringAddr,
  memoryRegion,
  memoryTable,
  memorySlot,
  configAccess,
  shmemConfig,
  shmemMapping,
];

const maxTableRegions = 8;
const maxConfigBytes = 256;

/** The numbers that belong to no group. */
export const vhostUserConstants: readonly Constant[] = [
  {
    name: "VHOST_USER_VERSION",
    value: 1,
    cName: undefined,
    clause: HEADER,
    doc: "The version of every message.",
  },
  {
    name: "VHOST_USER_VERSION_MASK",
    value: 3,
    cName: undefined,
    clause: HEADER,
    doc: "The bits of a header's flags that hold the version.",
  },
  {
    name: "FEATURE_PROTOCOL_FEATURES",
    value: 30,
    cName: undefined,
    clause: COMMUNICATION,
    doc: "The number of the feature bit that stands for protocol features; no driver sees it.",
  },
  {
    name: "VRING_INDEX_MASK",
    value: 0xff,
    cName: undefined,
    clause: FRONT_END_MESSAGES,
    doc: "The ring in the payload of SET_VRING_KICK, SET_VRING_CALL and SET_VRING_ERR.",
  },
  {
    name: "VRING_NO_FD",
    value: 0x100,
    cName: undefined,
    clause: FRONT_END_MESSAGES,
    doc: "The bit of that payload that says that no file descriptor comes with it.",
  },
  {
    name: "MAX_TABLE_REGIONS",
    value: maxTableRegions,
    cName: undefined,
    clause: PAYLOAD,
    doc: "Most regions of SET_MEM_TABLE.",
  },
  {
    name: "MAX_CONFIG_BYTES",
    value: maxConfigBytes,
    cName: undefined,
    clause: PAYLOAD,
    doc: "Where the configuration space ends at the latest.",
  },
  {
    name: "SHMEM_SIZES",
    value: 256,
    cName: undefined,
    clause: PAYLOAD,
    doc: "How many sizes follow in the reply to GET_SHMEM_CONFIG.",
  },
];

/** One request that the back end carries out: everything that is known of it beforehand. */
export interface Request {
  /** The name in QEMU's documentation, after VHOST_USER_. */
  readonly name: string;
  readonly id: number;
  /** Least and most bytes of its payload. */
  readonly payloadBytes: readonly [least: number, most: number];
  /** Least and most file descriptors that come with it. */
  readonly fds: readonly [least: number, most: number];
  /** Whether it has a reply of its own, so that no acknowledgement can be asked for. */
  readonly hasReply: boolean;
  /** The protocol feature that must have been negotiated, by its name; none where its being offered is enough. */
  readonly feature: string | undefined;
}

type Options = Partial<Pick<Request, "fds" | "hasReply" | "feature">>;

const NONE = [0, 0] as const;
const ONE_FD = { fds: [1, 1] } as const;
const EVENT_FD = { fds: [0, 1] } as const;
const REPLY = { hasReply: true } as const;
const CONFIG = { feature: "CONFIG" } as const;
const MEM_SLOTS = { feature: "CONFIGURE_MEM_SLOTS" } as const;
const STATUS = { feature: "STATUS" } as const;
const SHMEM = { feature: "SHMEM_MAP" } as const;

function request(
  id: number,
  name: string,
  payload: Struct | readonly [number, number],
  options: Options = {},
): Request {
  const payloadBytes = "sizeBytes" in payload ? [payload.sizeBytes, payload.sizeBytes] as const : payload;
  return { id, name, payloadBytes, fds: NONE, hasReply: false, feature: undefined, ...options };
}

const tableBytes = [
  memoryTable.sizeBytes,
  memoryTable.sizeBytes + maxTableRegions * memoryRegion.sizeBytes,
] as const;
const configBytes = [configAccess.sizeBytes, configAccess.sizeBytes + maxConfigBytes] as const;

/** The requests that the back end carries out, by their number. */
export const requests: readonly Request[] = [
  request(1, "GET_FEATURES", NONE, REPLY),
  request(2, "SET_FEATURES", u64Payload),
  request(3, "SET_OWNER", NONE),
  request(4, "RESET_OWNER", NONE),
  request(5, "SET_MEM_TABLE", tableBytes, { fds: [0, maxTableRegions] }),
  request(8, "SET_VRING_NUM", vringState),
  request(9, "SET_VRING_ADDR", vringAddr),
  request(10, "SET_VRING_BASE", vringState),
  request(11, "GET_VRING_BASE", vringState, REPLY),
  request(12, "SET_VRING_KICK", u64Payload, EVENT_FD),
  request(13, "SET_VRING_CALL", u64Payload, EVENT_FD),
  request(14, "SET_VRING_ERR", u64Payload, EVENT_FD),
  request(15, "GET_PROTOCOL_FEATURES", NONE, REPLY),
  request(16, "SET_PROTOCOL_FEATURES", u64Payload),
  request(17, "GET_QUEUE_NUM", NONE, REPLY),
  request(18, "SET_VRING_ENABLE", vringState),
  request(21, "SET_BACKEND_REQ_FD", NONE, ONE_FD),
  request(24, "GET_CONFIG", configBytes, { ...REPLY, ...CONFIG }),
  request(25, "SET_CONFIG", configBytes, CONFIG),
  request(33, "GPU_SET_SOCKET", NONE, ONE_FD),
  request(34, "RESET_DEVICE", NONE),
  request(36, "GET_MAX_MEM_SLOTS", NONE, { ...REPLY, ...MEM_SLOTS }),
  request(37, "ADD_MEM_REG", memorySlot, { ...ONE_FD, ...MEM_SLOTS }),
  request(38, "REM_MEM_REG", memorySlot, { fds: [0, 1], ...MEM_SLOTS }), // old front ends send one, to be closed
  request(39, "SET_STATUS", u64Payload, STATUS),
  request(40, "GET_STATUS", NONE, { ...REPLY, ...STATUS }),
  request(44, "GET_SHMEM_CONFIG", NONE, { ...REPLY, ...SHMEM }),
];

/** The named numbers. */
export const vhostUserGroups: readonly Group[] = [
  {
    name: "FrontEndRequest",
    doc: "The number of each request that the back end carries out.",
    clause: FRONT_END_MESSAGES,
    cPrefix: "VHOST_USER_",
    members: requests.map(({ name, id }) => ({ name, value: id })),
  },
  {
    name: "BackEndRequest",
    doc: "The number of each message that the back end begins.",
    clause: BACK_END_MESSAGES,
    cPrefix: "VHOST_USER_BACKEND_",
    members: [
      { name: "CONFIG_CHANGE_MSG", value: 2, doc: "The configuration space has changed." },
      { name: "SHMEM_MAP", value: 9, doc: "A file is to be seen in a shared memory region." },
    ],
  },
  {
    name: "MessageFlag",
    doc: "The bits of a header's flags besides the version.",
    clause: HEADER,
    cPrefix: "VHOST_USER_",
    members: [
      { name: "REPLY", value: 4, doc: "The message answers one." },
      { name: "NEED_REPLY", value: 8, doc: "The sender wants to hear how the request ended." },
    ],
  },
  {
    name: "ShmemFlag",
    doc: "How a guest may use what it sees in a shared memory region.",
    clause: PAYLOAD,
    cPrefix: "VHOST_USER_FLAG_",
    members: [{ name: "MAP_RW", value: 1, doc: "It may write, too." }],
  },
  {
    name: "ProtocolFeature",
    doc: "The number of each protocol feature bit that the back end offers.",
    clause: PROTOCOL_FEATURES,
    cPrefix: "VHOST_USER_PROTOCOL_F_",
    members: [
      { name: "MQ", value: 0, doc: "GET_QUEUE_NUM." },
      { name: "REPLY_ACK", value: 3, doc: "Requests without a reply are acknowledged on demand." },
      { name: "BACKEND_REQ", value: 5, doc: "A channel for messages that the back end begins." },
      { name: "CONFIG", value: 9, doc: "GET_CONFIG and SET_CONFIG." },
      { name: "BACKEND_SEND_FD", value: 10, doc: "Files may come with messages that the back end begins." },
      { name: "RESET_DEVICE", value: 13, doc: "RESET_DEVICE." },
      { name: "CONFIGURE_MEM_SLOTS", value: 15, doc: "Regions of memory come and go one by one." },
      { name: "STATUS", value: 16, doc: "GET_STATUS and SET_STATUS." },
      { name: "SHMEM_MAP", value: 22, doc: "GET_SHMEM_CONFIG and SHMEM_MAP." },
    ],
  },
];
