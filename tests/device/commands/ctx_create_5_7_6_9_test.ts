/** CTX_CREATE and CTX_DESTROY. Virtio 1.4, 5.7.6.9. */

import { assertEquals } from "@std/assert";
import { Reasons } from "../../../src/protocol/reasons.ts";
import { GpuFeature, writeCtxCreate } from "../../../src/protocol/wire.gen.ts";
import { startRecording } from "../../support/renderer_machine.ts";
import { answerTo } from "../requests.ts";
import { createContext, destroyContext, submit } from "../three_d_requests.ts";

Deno.test("CTX_CREATE makes a context of the set that context_init names, with the driver's name for it", async () => {
  const { driver, renderer } = await startRecording();

  assertEquals(createContext(driver, 7, { contextInit: 61, debugName: "glxgears" }), "OK_NODATA");
  assertEquals(renderer.calls, [["createContext", 7, 61, "glxgears"]]);
});

Deno.test("CTX_CREATE takes the renderer's first set when context_init names none", async () => {
  const { driver, renderer } = await startRecording();
  createContext(driver, 1);
  assertEquals(renderer.calls, [["createContext", 1, 60, ""]]);
});

Deno.test("CTX_CREATE reads the low 8 bits of context_init as the set, and no others", async () => {
  const { driver, renderer } = await startRecording();
  createContext(driver, 1, { contextInit: 0xabcd_ef00 | 61 });
  createContext(driver, 2, { contextInit: 0xabcd_ef00 });
  assertEquals(renderer.calls, [["createContext", 1, 61, ""], ["createContext", 2, 60, ""]]);
});

for (const contextInit of [1, 62, 255]) {
  Deno.test(`CTX_CREATE answers ERR_INVALID_PARAMETER for set ${contextInit}, which there is not`, async () => {
    const { driver, renderer } = await startRecording();
    assertEquals(createContext(driver, 1, { contextInit }), "ERR_INVALID_PARAMETER");
    assertEquals(renderer.calls, []);
    assertEquals(destroyContext(driver, 1), "ERR_INVALID_CONTEXT_ID");
  });
}

Deno.test("CTX_CREATE ignores context_init when CONTEXT_INIT was not negotiated. Virtio 1.4, 5.7.3", async () => {
  const { driver, renderer } = await startRecording();
  driver.start([~(1 << GpuFeature.ContextInit) >>> 0, 0xffffffff]);
  renderer.takeCalls();

  assertEquals(createContext(driver, 1, { contextInit: 61 }), "OK_NODATA");
  assertEquals(createContext(driver, 2, { contextInit: 1 }), "OK_NODATA");
  assertEquals(renderer.calls, [["createContext", 1, 60, ""], ["createContext", 2, 60, ""]]);
});

Deno.test("CTX_CREATE answers ERR_INVALID_CONTEXT_ID for id 0 and for an id in use", async () => {
  const { driver, renderer } = await startRecording();
  createContext(driver, 0xffffffff);

  assertEquals(createContext(driver, 0), "ERR_INVALID_CONTEXT_ID");
  assertEquals(createContext(driver, 0xffffffff), "ERR_INVALID_CONTEXT_ID");
  assertEquals(renderer.calls.length, 1);
});

Deno.test("CTX_CREATE takes a name of 64 bytes and answers ERR_INVALID_PARAMETER for one of 65", async () => {
  const { driver, renderer } = await startRecording();
  const create = (ctxId: number, nlen: number) => answerTo(driver, writeCtxCreate, { ctxId, nlen, contextInit: 0 });

  assertEquals(createContext(driver, 1, { debugName: "n".repeat(64) }), "OK_NODATA");
  assertEquals(create(2, 65), "ERR_INVALID_PARAMETER");
  assertEquals(create(2, 0xffffffff), "ERR_INVALID_PARAMETER");
  assertEquals(renderer.calls, [["createContext", 1, 60, "n".repeat(64)]]);
});

Deno.test("CTX_CREATE ends a name at its first zero, and takes bytes that are no UTF-8", async () => {
  const { driver, renderer } = await startRecording();
  createContext(driver, 1, { debugName: "Xorg\0leftovers" });
  createContext(driver, 2, { debugName: "a€" });
  const request = driver.requestBytes();
  writeCtxCreate(new Uint32Array(request.buffer, request.byteOffset, 24), 0, { ctxId: 3, nlen: 2, contextInit: 0 });
  request.set([0x61, 0xff], 32);
  driver.sendBytes(96);

  assertEquals(renderer.calls.map(([, , , name]) => name), ["Xorg", "a€", "a\ufffd"]);
});

Deno.test("CTX_CREATE in a shared memory takes names too", async () => {
  const { driver, renderer } = await startRecording({ isShared: true });
  createContext(driver, 1, { debugName: "weston" });
  assertEquals(renderer.calls, [["createContext", 1, 60, "weston"]]);
});

Deno.test("CTX_CREATE answers ERR_OUT_OF_MEMORY past the limit of contexts, until one is destroyed", async () => {
  const { driver, renderer } = await startRecording({ limits: { contexts: 2 } });
  createContext(driver, 1);
  createContext(driver, 2);

  assertEquals(createContext(driver, 3), "ERR_OUT_OF_MEMORY");
  assertEquals(renderer.calls.length, 2);
  destroyContext(driver, 1);
  assertEquals(createContext(driver, 3), "OK_NODATA");
});

Deno.test("A context that the renderer refuses does not exist", async () => {
  const { driver, renderer, errors } = await startRecording();
  renderer.answer("createContext", Reasons.hostMemoryFull);

  assertEquals(createContext(driver, 1), "ERR_OUT_OF_MEMORY");
  assertEquals(errors.map(({ reason }) => reason), [Reasons.hostMemoryFull]);
  assertEquals(submit(driver, 1, []), "ERR_INVALID_CONTEXT_ID");
  assertEquals(createContext(driver, 1), "OK_NODATA");
});

Deno.test("CTX_DESTROY ends a context, and its id may be used again", async () => {
  const { driver, renderer } = await startRecording();
  createContext(driver, 1);

  assertEquals(destroyContext(driver, 1), "OK_NODATA");
  assertEquals(destroyContext(driver, 1), "ERR_INVALID_CONTEXT_ID");
  assertEquals(createContext(driver, 1), "OK_NODATA");
  assertEquals(renderer.calls.map(([name]) => name), ["createContext", "destroyContext", "createContext"]);
});

for (const ctxId of [0, 1, 0xffffffff]) {
  Deno.test(`CTX_DESTROY answers ERR_INVALID_CONTEXT_ID for ${ctxId}, which no context has`, async () => {
    const { driver, renderer } = await startRecording();
    assertEquals(destroyContext(driver, ctxId), "ERR_INVALID_CONTEXT_ID");
    assertEquals(renderer.calls, []);
  });
}

Deno.test("CTX_DESTROY ends a lost context, and a new one with its id is not lost", async () => {
  const { driver, renderer } = await startRecording();
  createContext(driver, 1);
  renderer.host.contextLost(1);

  assertEquals(submit(driver, 1, []), "ERR_UNSPEC");
  assertEquals(destroyContext(driver, 1), "OK_NODATA");
  createContext(driver, 1);
  assertEquals(submit(driver, 1, []), "OK_NODATA");
});

Deno.test("A reset ends all contexts. Virtio 1.4, 2.4", async () => {
  const { driver, renderer } = await startRecording();
  createContext(driver, 1);
  driver.start();

  assertEquals(destroyContext(driver, 1), "ERR_INVALID_CONTEXT_ID");
  assertEquals(renderer.alive, { contexts: [], resources: [] });
});
