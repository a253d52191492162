import { DriverQueue } from "../../../src/guest/driver_queue.ts";
import { GpuDriver } from "../../../src/guest/gpu_driver.ts";
import { Fds } from "../../../src/hosts/deno/fds.ts";
import { Libc } from "../../../src/hosts/deno/libc.ts";
import { makeSocketPair } from "../../../src/hosts/deno/unix_socket.ts";
import {
  CONFIG_ACCESS_SIZE,
  FEATURE_PROTOCOL_FEATURES,
  FrontEndRequest,
  MEMORY_REGION_SIZE,
  MEMORY_SLOT_SIZE,
  MEMORY_TABLE_SIZE,
  MessageFlag,
  ProtocolFeature,
  readConfigAccess,
  readU64Payload,
  readVringState,
  VHOST_USER_VERSION,
  VRING_ADDR_SIZE,
  writeConfigAccess,
  writeMemoryRegion,
  writeMemorySlot,
  writeMemoryTable,
  writeVringAddr,
} from "../../../src/transport/vhost_user/vhost_user.gen.ts";
