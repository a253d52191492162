/** Which of several faults in one 3D command is answered: ids first, then parameters, then state. Virtio 1.4, 5.7.6.7. */

import { assertEquals } from "@std/assert";
import {
  BlobMem,
  commandSize,
  CommandType,
  writeCtxCreate,
  writeGetCapset,
  writeSubmit3d,
} from "../../src/protocol/wire.gen.ts";
import type { GpuDriver } from "../../src/guest/gpu_driver.ts";
import { startRecording } from "../support/renderer_machine.ts";
import { answerTo, attach, createResource } from "./requests.ts";
import {
  attachToContext,
  create3d,
  createContext,
  createHostBlob,
  transferFromHost,
  transferToHost,
} from "./three_d_requests.ts";

const hole = { addr: 0x80000000, length: 0 };

// Context 1 exists, context 2 is lost, no more may be made; 3D resource 1 has no backing, resource 2 is a 2D one, resource 3 a
// blob of host memory, and no more may be made.
const cases: [name: string, answer: string, send: (driver: GpuDriver) => string][] = [
  [
    "GET_CAPSET with a bad set and no room for it",
    "ERR_INVALID_PARAMETER",
    (driver) => answerTo(driver, writeGetCapset, { capsetId: 1, capsetVersion: 0 }, { replyBytes: 24 }),
  ],
  [
    "GET_CAPSET with a bad version and no room for it",
    "ERR_INVALID_PARAMETER",
    (driver) => answerTo(driver, writeGetCapset, { capsetId: 60, capsetVersion: 9 }, { replyBytes: 24 }),
  ],
  [
    "CTX_CREATE with an id in use, a bad set and too long a name",
    "ERR_INVALID_CONTEXT_ID",
    (driver) => answerTo(driver, writeCtxCreate, { ctxId: 1, nlen: 65, contextInit: 9 }),
  ],
  [
    "CTX_CREATE with id 0 and too many contexts",
    "ERR_INVALID_CONTEXT_ID",
    (driver) => createContext(driver, 0),
  ],
  [
    "CTX_CREATE with a bad set and too many contexts",
    "ERR_INVALID_PARAMETER",
    (driver) => createContext(driver, 3, { contextInit: 9 }),
  ],
  [
    "CTX_CREATE with too long a name and too many contexts",
    "ERR_INVALID_PARAMETER",
    (driver) => answerTo(driver, writeCtxCreate, { ctxId: 3, nlen: 65, contextInit: 0 }),
  ],
  [
    "CTX_ATTACH_RESOURCE with a bad context and a bad resource",
    "ERR_INVALID_CONTEXT_ID",
    (driver) => attachToContext(driver, 9, 9),
  ],
  [
    "CTX_ATTACH_RESOURCE with a bad resource and a lost context",
    "ERR_INVALID_RESOURCE_ID",
    (driver) => attachToContext(driver, 2, 9),
  ],
  [
    "SUBMIT_3D with a bad context and a bad size",
    "ERR_INVALID_CONTEXT_ID",
    (driver) => answerTo(driver, writeSubmit3d, { ctxId: 9, size: 0xffffffff }),
  ],
  [
    "SUBMIT_3D with a bad size and a lost context",
    "ERR_INVALID_PARAMETER",
    (driver) => answerTo(driver, writeSubmit3d, { ctxId: 2, size: 0xffffffff }),
  ],
  [
    "SUBMIT_3D with half a word and a lost context",
    "ERR_INVALID_PARAMETER",
    (driver) => answerTo(driver, writeSubmit3d, { ctxId: 2, size: 6 }, { trailing: new Uint32Array(2) }),
  ],
  [
    "SUBMIT_3D with too long a stream and a lost context",
    "ERR_INVALID_PARAMETER",
    (driver) => answerTo(driver, writeSubmit3d, { ctxId: 2, size: 68 }, { trailing: new Uint32Array(17) }),
  ],
  [
    "RESOURCE_CREATE_3D with an id in use and too many resources",
    "ERR_INVALID_RESOURCE_ID",
    (driver) => create3d(driver, 1),
  ],
  [
    "TRANSFER_TO_HOST_3D with a bad context and a bad resource",
    "ERR_INVALID_CONTEXT_ID",
    (driver) => transferToHost(driver, 9, { ctxId: 9 }),
  ],
  [
    "TRANSFER_FROM_HOST_3D with a bad context and a 2D resource",
    "ERR_INVALID_CONTEXT_ID",
    (driver) => transferFromHost(driver, 2, { ctxId: 9 }),
  ],
  [
    "TRANSFER_TO_HOST_3D of host memory alone with a bad context",
    "ERR_INVALID_CONTEXT_ID",
    (driver) => transferToHost(driver, 3, { ctxId: 9 }),
  ],
  [
    "RESOURCE_CREATE_BLOB of host memory with an id in use and a bad context",
    "ERR_INVALID_RESOURCE_ID",
    (driver) => createHostBlob(driver, 1, { ctxId: 9 }),
  ],
  [
    "RESOURCE_CREATE_BLOB of host memory with a bad context, bad flags and a bad size",
    "ERR_INVALID_CONTEXT_ID",
    (driver) => createHostBlob(driver, 4, { ctxId: 9, blobFlags: 8, size: 0 }),
  ],
  [
    "RESOURCE_CREATE_BLOB of host memory with bad flags and too many resources",
    "ERR_INVALID_PARAMETER",
    (driver) => createHostBlob(driver, 4, { blobFlags: 8 }),
  ],
  [
    "RESOURCE_CREATE_BLOB of host memory with entries and a lost context",
    "ERR_INVALID_PARAMETER",
    (driver) => createHostBlob(driver, 4, { ctxId: 2 }, [hole]),
  ],
  [
    "RESOURCE_CREATE_BLOB of a default blob with a bad entry and too many resources",
    "ERR_OUT_OF_MEMORY",
    (driver) => createHostBlob(driver, 4, { blobMem: BlobMem.Host3dGuest }, [hole]),
  ],
  [
    "RESOURCE_ATTACH_BACKING of host memory alone with a bad entry",
    "ERR_UNSPEC",
    (driver) => attach(driver, 3, [hole]),
  ],
];

for (const [name, answer, send] of cases) {
  Deno.test(`${name} answers ${answer}, and the renderer is not asked`, async () => {
    const limits = { contexts: 2, resources: 3, submitBytes: 64 };
    const { driver, renderer } = await startRecording({ limits });
    createContext(driver, 1);
    createContext(driver, 2);
    create3d(driver, 1);
    createResource(driver, 2, 8, 8);
    createHostBlob(driver, 3);
    renderer.host.contextLost(2);
    renderer.takeCalls();

    assertEquals(send(driver), answer);
    assertEquals(renderer.calls, []);
  });
}

const cutOff = [
  CommandType.CtxCreate,
  CommandType.CtxDestroy,
  CommandType.CtxAttachResource,
  CommandType.CtxDetachResource,
  CommandType.ResourceCreate3d,
  CommandType.TransferToHost3d,
  CommandType.TransferFromHost3d,
  CommandType.Submit3d,
  CommandType.GetCapsetInfo,
  CommandType.GetCapset,
];
for (const type of cutOff) {
  Deno.test(`A command ${type.toString(16)} that lacks its last byte answers ERR_UNSPEC, whatever is in it`, async () => {
    const { driver, renderer } = await startRecording();
    const request = driver.requestBytes().fill(0xff);
    new DataView(request.buffer, request.byteOffset).setUint32(0, type, true);

    const { header } = driver.sendBytes(commandSize(type) - 1, { replyBytes: 64 });

    assertEquals(header.type, 0x1200);
    assertEquals(renderer.calls, []);
  });
}
