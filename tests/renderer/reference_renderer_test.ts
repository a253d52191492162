import { assertEquals, assertThrows } from "@std/assert";
import { LATER } from "../../src/protocol/outcome.ts";
import { FIRST_CAPSET_ID } from "../support/renderer/capsets.ts";
import { ReferenceRenderer, type ReferenceRendererOptions } from "../support/renderer/reference_renderer.ts";
import { makeRendererHost } from "../support/renderer/renderer_host.ts";
import * as stream from "../support/renderer/stream.ts";
import { create3d, type Fixture, makeBlob, makeFixture, testReferenceRenderer, type Way } from "./renderer_contract.ts";

async function makeWay(options: ReferenceRendererOptions, limitBytes?: number): Promise<Way> {
  const host = await makeRendererHost(limitBytes);
  const renderer = new ReferenceRenderer(options);
  renderer.start(host);
  return { host, renderer, reference: renderer, step: () => {} };
}

async function start(options: ReferenceRendererOptions = {}): Promise<Fixture> {
  return makeFixture(await makeWay(options), options);
}

testReferenceRenderer("ReferenceRenderer", makeWay);

Deno.test("FILL and COPY write attached resources, across contexts and from resources that are not the renderer's", async () => {
  const fixture = await start();
  const { host, renderer, submit, blobWord } = fixture;
  makeBlob(fixture, 5);
  makeBlob(fixture, 6);
  host.foreign.set(9, {
    sizeBytes: 8,
    read(start, lengthBytes, target) {
      if (start + lengthBytes > 8) return false;
      host.guest.bytes.fill(0x5a, target, target + lengthBytes);
      return true;
    },
  });
  renderer.attachResource(2, 5);
  renderer.attachResource(2, 9);

  submit(1, [stream.fill(6, 8, 8, 0x12345678)]);
  submit(1, [stream.copy({ resourceId: 5, offset: 4 }, { resourceId: 6, offset: 8 }, 8)]);
  submit(2, [stream.copy({ resourceId: 5, offset: 16 }, { resourceId: 9, offset: 4 }, 4)]);

  assertEquals([0, 4, 8, 12, 16].map((at) => blobWord(5, at)), [0, 0x12345678, 0x12345678, 0, 0x5a5a5a5a]);
  assertEquals(host.lost, []);
});

Deno.test("answersLater: each call waits once, and the renderer goes on when it is told to", async () => {
  const { host, reference: renderer } = await start({ answersLater: "byHand" });

  assertEquals(renderer.createContext(1, FIRST_CAPSET_ID, ""), LATER);
  assertEquals(renderer.createContext(1, FIRST_CAPSET_ID, ""), LATER); // somebody else has resumed the device
  assertEquals([renderer.contextCount, host.resumes], [0, 0]);
  assertThrows(() => renderer.createResource(create3d({})), Error, "while createContext(1) waits");
  assertThrows(() => renderer.destroyContext(1), Error, "while createContext(1) waits");
  renderer.answerLater();
  assertEquals(host.resumes, 1);
  assertEquals(renderer.createContext(1, FIRST_CAPSET_ID, ""), undefined);

  assertEquals(renderer.contextCount, 1);
  assertEquals(renderer.createResource(create3d({})), LATER);
  renderer.destroyResource(5); // the beginning of a reset
  assertThrows(() => renderer.createResource(create3d({})), Error, "in a reset");
  renderer.reset();
  assertEquals(renderer.createResource(create3d({})), LATER);
});

Deno.test("answersLater: by a microtask, and not when a reset was between", async () => {
  const { host, reference: renderer } = await start({ answersLater: "microtask" });
  assertEquals(renderer.createResource(create3d({})), LATER);
  await Promise.resolve();
  assertEquals([host.resumes, renderer.createResource(create3d({}))], [1, undefined]);
  assertEquals(renderer.createResource(create3d({ resourceId: 2 })), LATER);
  renderer.reset();
  await Promise.resolve();
  assertEquals(host.resumes, 1);
});
