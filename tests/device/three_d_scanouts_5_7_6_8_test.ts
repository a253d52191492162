/** Scanouts of 3D resources, whose picture the renderer has. Virtio 1.4, 5.7.6.8 (SET_SCANOUT, RESOURCE_FLUSH); H9. */

import { assertEquals } from "@std/assert";
import { MemoryDisplay } from "../../src/display/memory_display.ts";
import type { PixelSource } from "../../src/memory/pixel_source.ts";
import { PIXEL_FORMATS } from "../../src/protocol/formats.ts";
import { LATER } from "../../src/protocol/outcome.ts";
import { Reasons } from "../../src/protocol/reasons.ts";
import { Format, writeResourceFlush } from "../../src/protocol/wire.gen.ts";
import { PendingRequest } from "../support/pending_request.ts";
import type { ResourcePicture } from "../../src/renderer/renderer.ts";
import type { RecordingRenderer } from "../support/recording_renderer.ts";
import { startRecording } from "../support/renderer_machine.ts";
import { fillRect } from "../support/renderer/stream.ts";
import { setScanoutBlob } from "./blob_requests.ts";
import { RecordingDisplay } from "./recording_display.ts";
import { flush, pictureWords, pixel, rect, setScanout, unref } from "./requests.ts";
import { attachToContext, create3d, destroyContext, submit } from "./three_d_requests.ts";
import { startWithWindow } from "./window_requests.ts";

const TEXTURE_2D = 2;
const texture = { target: TEXTURE_2D, format: Format.R8G8B8X8Unorm, width: 16, height: 8 };
const all = rect(0, 0, 16, 8);
const output = { widthPixels: 640, heightPixels: 480 };

/** Makes texture 5 of 16x8 pixels, in which rectangle 3, 2 4x3 is drawn, in a format. */
async function startDrawn(format: number = Format.R8G8B8X8Unorm, word = pixel(0x030201)) {
  const machine = await startWithWindow({ outputs: [output, output] });
  const { driver } = machine;
  create3d(driver, 5, { ...texture, format });
  attachToContext(driver, 1, 5);
  submit(driver, 1, fillRect(5, rect(3, 2, 4, 3), word));
  return machine;
}

function isDrawn(x: number, y: number): boolean {
  return x >= 3 && x < 7 && y >= 2 && y < 5;
}

for (const { format, name } of PIXEL_FORMATS) {
  Deno.test(`SET_SCANOUT and RESOURCE_FLUSH show a 3D resource of format ${name}`, async () => {
    const bytes = Uint8Array.from([...name.replaceAll("8", "")], (channel) => ({ R: 1, G: 2, B: 3 })[channel] ?? 0x7f);
    const { driver, display } = await startDrawn(format, new Uint32Array(bytes.buffer)[0]);
    assertEquals(setScanout(driver, 0, 5, rect(2, 1, 8, 6)), "OK_NODATA");
    assertEquals(display.picture(0), undefined);
    assertEquals(flush(driver, 5, all), "OK_NODATA");
    const expected = Array.from({ length: 48 }, (_, at) => {
      return isDrawn(2 + at % 8, 1 + Math.floor(at / 8)) ? pixel(0x030201) : pixel(0);
    });
    assertEquals(pictureWords(display.picture(0)!.rgba), expected);
  });
}

const wrong: [name: string, rect: ReturnType<typeof rect>][] = [
  ["is wider than the resource", rect(0, 0, 17, 8)],
  ["is higher than the resource", rect(0, 0, 16, 9)],
  ["begins outside", rect(16, 0, 1, 1)],
  ["wraps", rect(0xffffffff, 0, 2, 1)],
  ["is empty", rect(0, 0, 0, 8)],
];
for (const [name, area] of wrong) {
  Deno.test(`SET_SCANOUT of a 3D resource answers ERR_INVALID_PARAMETER when the rectangle ${name}`, async () => {
    const { driver } = await startDrawn();
    assertEquals(setScanout(driver, 0, 5, area), "ERR_INVALID_PARAMETER");
  });
}

Deno.test("SET_SCANOUT of a 3D resource answers ERR_INVALID_PARAMETER when no scanout has its format", async () => {
  const { driver, errors } = await startRecording();
  create3d(driver, 5, { ...texture, format: 177 });
  assertEquals(setScanout(driver, 0, 5, all), "ERR_INVALID_PARAMETER");
  assertEquals(errors.at(-1)!.reason, Reasons.formatUnknown);
});

Deno.test("SET_SCANOUT_BLOB of a 3D resource answers ERR_INVALID_PARAMETER", async () => {
  const { driver, errors } = await startDrawn();
  assertEquals(setScanoutBlob(driver, 5), "ERR_INVALID_PARAMETER");
  assertEquals(errors.at(-1)!.reason, Reasons.blobExpected);
});

Deno.test("RESOURCE_FLUSH of a 3D resource answers ERR_INVALID_PARAMETER outside of it, and OK on no scanout", async () => {
  const { driver, renderer } = await startRecording();
  create3d(driver, 5, texture);
  renderer.takeCalls();
  assertEquals(flush(driver, 5, rect(0, 0, 17, 8)), "ERR_INVALID_PARAMETER");
  assertEquals(flush(driver, 5, all), "OK_NODATA");
  assertEquals(renderer.takeCalls(), []);
});

Deno.test("RESOURCE_FLUSH reads a 3D resource's picture once, all that its scanouts show of it, and shows it on each", async () => {
  const display = new RecordingDisplay();
  const { driver, renderer } = await startRecording({ outputs: [output, output, output], display });
  drawn(renderer);
  create3d(driver, 5, texture);
  setScanout(driver, 0, 5, rect(0, 0, 4, 8));
  setScanout(driver, 2, 5, rect(8, 2, 8, 6));
  renderer.takeCalls();
  display.take();
  assertEquals(flush(driver, 5, rect(3, 3, 1, 1)), "OK_NODATA");
  assertEquals(renderer.takeCalls(), [["readPicture", 5, rect(0, 0, 4, 8)]]); // new: all of it
  assertEquals(display.take(), ["show 0: 0,0 4x8 of 4x8"]);
  assertEquals(flush(driver, 5, rect(3, 3, 6, 2)), "OK_NODATA");
  assertEquals(renderer.takeCalls(), [["readPicture", 5, rect(3, 2, 13, 6)]]);
  assertEquals(display.take(), ["show 0: 3,3 1x2 of 4x8", "show 2: 0,0 8x6 of 8x6"]);
  assertEquals(flush(driver, 5, rect(4, 0, 4, 8)), "OK_NODATA");
  assertEquals([renderer.takeCalls(), display.take()], [[], []]);
});

Deno.test("RESOURCE_FLUSH waits for a 3D resource's picture, and shows nothing before, everything once after", async () => {
  const display = new RecordingDisplay();
  const machine = await startRecording({ outputs: [output, output], display });
  const { driver, renderer } = machine;
  drawn(renderer);
  create3d(driver, 5, texture);
  for (const scanout of [0, 1]) setScanout(driver, scanout, 5, all);
  renderer.takeCalls();
  display.take();
  renderer.answer("readPicture", LATER, LATER);
  const request = PendingRequest.send(machine, writeResourceFlush, { resourceId: 5, rect: rect(1, 1, 2, 2) });
  renderer.host.resume();
  assertEquals([request.answer(), display.take()], [undefined, []]);
  renderer.host.resume();
  assertEquals([request.answer(), display.take()], ["OK_NODATA", [
    "show 0: 0,0 16x8 of 16x8",
    "show 1: 0,0 16x8 of 16x8",
  ]]);
  assertEquals(renderer.takeCalls(), new Array(3).fill(["readPicture", 5, all]));
});

Deno.test("RESOURCE_FLUSH of a 3D resource that the renderer has no picture of shows nothing, and says why", async () => {
  const display = new RecordingDisplay();
  const { driver, renderer } = await startRecording({ display });
  drawn(renderer);
  create3d(driver, 5, texture);
  setScanout(driver, 0, 5, all);
  display.take();
  renderer.answer("readPicture", Reasons.resource3dUnknown);
  assertEquals(flush(driver, 5, rect(0, 0, 1, 1)), "ERR_INVALID_PARAMETER");
  assertEquals(display.take(), []);
  assertEquals(flush(driver, 5, rect(0, 0, 1, 1)), "OK_NODATA");
  assertEquals(display.take(), ["show 0: 0,0 16x8 of 16x8"]);
});

Deno.test("A renderer's texture goes to the display with the pixel source, with pixels in memory or without", async () => {
  const shown: { texture: unknown; offsetBytes: number }[] = [];
  class TextureDisplay extends MemoryDisplay {
    override show(_scanoutId: number, { texture, offsetBytes }: PixelSource): void {
      shown.push({ texture, offsetBytes });
    }
  }
  const { driver, renderer } = await startRecording({ display: new TextureDisplay() });
  create3d(driver, 5, texture);
  setScanout(driver, 0, 5, rect(1, 1, 8, 4));
  const painted = { name: "a texture" };
  drawn(renderer, { address: 0, texture: painted });
  flush(driver, 5, all);
  drawn(renderer, { strideBytes: 256, texture: painted });
  flush(driver, 5, all);
  assertEquals(shown, [
    { texture: painted, offsetBytes: -1 },
    { texture: painted, offsetBytes: 65536 + 256 + 4 },
  ]);
});

Deno.test("A picture of a 3D resource that is nowhere is not shown, and all of it at the next flush", async () => {
  const display = new RecordingDisplay();
  const { driver, renderer } = await startRecording({ display });
  create3d(driver, 5, texture);
  setScanout(driver, 0, 5, all);
  display.take();
  drawn(renderer, { address: 0 });
  assertEquals(flush(driver, 5, rect(0, 0, 1, 1)), "OK_NODATA");
  assertEquals(display.take(), []);
  drawn(renderer);
  flush(driver, 5, rect(0, 0, 1, 1));
  assertEquals(display.take(), ["show 0: 0,0 16x8 of 16x8"]);
});

Deno.test("RESOURCE_UNREF of a 3D resource disables its scanouts, and another of the same number is another picture", async () => {
  const machine = await startDrawn();
  const { driver, display, gpu } = machine;
  setScanout(driver, 0, 5, all);
  setScanout(driver, 1, 5, rect(0, 0, 8, 8));
  flush(driver, 5, all);
  unref(driver, 5);
  assertEquals([gpu.shownResource(0), gpu.shownResource(1)], [undefined, undefined]);
  assertEquals([display.picture(0), display.picture(1)], [undefined, undefined]);
  create3d(driver, 5, texture);
  assertEquals(flush(driver, 5, all), "OK_NODATA");
  assertEquals(display.picture(0), undefined);
  setScanout(driver, 0, 5, all);
  flush(driver, 5, rect(0, 0, 1, 1));
  assertEquals([...new Set(pictureWords(display.picture(0)!.rgba))], [pixel(0)]);
});

Deno.test("A context may end while a scanout shows a 3D resource that it drew", async () => {
  const machine = await startDrawn();
  const { driver, display } = machine;
  setScanout(driver, 0, 5, all);
  flush(driver, 5, all);
  const before = pictureWords(display.picture(0)!.rgba);
  assertEquals(destroyContext(driver, 1), "OK_NODATA");
  setScanout(driver, 0, 5, rect(0, 0, 16, 7));
  flush(driver, 5, all);
  assertEquals(pictureWords(display.picture(0)!.rgba), before.slice(0, 16 * 7));
});

/** Has a renderer say where the pictures of its resources are: somewhere, unless `picture` says otherwise. */
function drawn(renderer: RecordingRenderer, picture: Partial<ResourcePicture> = {}): void {
  renderer.picture = { address: 65536, strideBytes: 64, texture: undefined, ...picture };
}
