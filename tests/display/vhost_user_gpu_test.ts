import { assert, assertEquals, assertMatch } from "@std/assert";
import { VhostUserGpuDisplay } from "../../src/display/vhost_user_gpu.ts";
import { GpuProtocolFeature } from "../../src/display/vhost_user_gpu.gen.ts";
import type { GpuOutput } from "../../src/display/vhost_user_gpu_outputs.ts";
import { MAX_MESSAGE_PIXELS } from "../../src/display/vhost_user_gpu_screen.ts";
import { GuestMemory } from "../../src/memory/guest_memory.ts";
import { growingArena } from "../../src/memory/host_heap.ts";
import type { PixelSource } from "../../src/memory/pixel_source.ts";
import { Format } from "../../src/protocol/wire.gen.ts";
import { displayInfoReply, edidReply, featuresReply, GpuFrontEnd } from "../support/gpu_front_end.ts";

class Fixture {
  readonly guest: GuestMemory;
  readonly display: VhostUserGpuDisplay;
  /** What the display was told of monitors. */
  readonly outputs: (readonly GpuOutput[] | undefined)[] = [];

  static async make(): Promise<Fixture> {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
    return new Fixture(await GuestMemory.create(memory, growingArena(memory, 64 * 1024 * 1024), []));
  }

  constructor(guest: GuestMemory) {
    this.guest = guest;
    this.display = new VhostUserGpuDisplay(guest, (outputs) => this.outputs.push(outputs));
  }

  /** Connects a front end that has asked everything that a new one is asked, and answers as QEMU 7.2 does. */
  connect(): GpuFrontEnd {
    const frontEnd = new GpuFrontEnd();
    this.display.connect(frontEnd);
    this.display.write();
    this.receive(featuresReply(0));
    this.display.write();
    this.receive(displayInfoReply([1280, 800]));
    frontEnd.told.length = 0;
    return frontEnd;
  }

  /** Gives bytes of the front end's to the display as a socket would; returns why the display has enough. */
  receive(bytes: Uint8Array): string | undefined {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + this.display.wantedBytes);
      const problem = this.display.receive(part);
      if (problem !== undefined) return problem;
      at += part.length;
    }
    return undefined;
  }

  /** Sends until there is nothing to say. */
  writeAll(frontEnd: GpuFrontEnd): void {
    while (frontEnd.areWritesWanted) this.display.write();
  }

  /** A source whose pixels are R8G8B8X8, counted up from `first`. */
  source(widthPixels: number, heightPixels: number, first = 0): PixelSource {
    const { guest } = this;
    const count = widthPixels * heightPixels;
    const offsetBytes = guest.heap.allocate(count * 4);
    for (let index = 0; index < count; index++) guest.words[offsetBytes / 4 + index] = first + index;
    const strideBytes = widthPixels * 4;
    return {
      guest,
      format: Format.R8G8B8X8Unorm,
      widthPixels,
      heightPixels,
      strideBytes,
      offsetBytes,
      pages: undefined,
    };
  }

  cursor(colour: number) {
    const address = this.guest.heap.allocate(64 * 64 * 4);
    this.guest.words.fill(colour, address / 4, address / 4 + 64 * 64);
    return { guest: this.guest, address, widthPixels: 64, heightPixels: 64, hotspotX: 3, hotspotY: 4 };
  }
}

function wholeOf({ widthPixels, heightPixels }: PixelSource) {
  return { x: 0, y: 0, width: widthPixels, height: heightPixels };
}

/** What becomes of the pixel `index` of a `source`: red and blue change places, and it is opaque. */
function shown(index: number): number {
  return (0xff000000 | (index & 0xff) << 16 | (index & 0xff00) | (index >>> 16 & 0xff)) >>> 0;
}

Deno.test("VhostUserGpuDisplay.show sends SCANOUT and then UPDATE of the whole, as x8r8g8b8", async () => {
  const fixture = await Fixture.make();
  const frontEnd = fixture.connect();
  const source = fixture.source(3, 2, 0x112233);

  fixture.display.show(1, source, wholeOf(source));
  fixture.writeAll(frontEnd);

  assertEquals(frontEnd.told, [["SCANOUT", 1, 3, 2], ["UPDATE", 1, 0, 0, 3, 2]]);
  assertEquals([...frontEnd.surfaces.get(1)!.pixels], Array.from({ length: 6 }, (_, index) => shown(0x112233 + index)));
});

Deno.test("VhostUserGpuDisplay.show sends the damage alone", async () => {
  const fixture = await Fixture.make();
  const frontEnd = fixture.connect();
  const source = fixture.source(8, 8);
  fixture.display.show(0, source, wholeOf(source));
  fixture.writeAll(frontEnd);

  fixture.display.show(0, source, { x: 2, y: 3, width: 4, height: 1 });
  fixture.writeAll(frontEnd);

  assertEquals(frontEnd.told.slice(2), [["UPDATE", 0, 2, 3, 4, 1]]);
});

Deno.test("VhostUserGpuDisplay cuts a large UPDATE into rows, none of more than MAX_MESSAGE_PIXELS", async () => {
  const fixture = await Fixture.make();
  const frontEnd = fixture.connect();
  const source = fixture.source(1920, 1080);

  fixture.display.show(0, source, wholeOf(source));
  fixture.writeAll(frontEnd);

  const updates = frontEnd.told.filter(([name]) => name === "UPDATE");
  assertEquals(updates.length, Math.ceil(1080 / Math.floor(MAX_MESSAGE_PIXELS / 1920)));
  assert(updates.every(([, , , , width, height]) => width! * height! <= MAX_MESSAGE_PIXELS));
  assertEquals(frontEnd.surfaces.get(0)!.pixels, Uint32Array.from({ length: 1920 * 1080 }, (_, index) => shown(index)));
});

Deno.test("VhostUserGpuDisplay waits for no front end: what it does not take is sent once, as it is by then", async () => {
  const fixture = await Fixture.make();
  const frontEnd = fixture.connect();
  const source = fixture.source(16, 16);
  frontEnd.roomBytes = 5; // the message is broken off in its header
  fixture.display.show(0, source, wholeOf(source));
  fixture.display.write();

  for (let frame = 0; frame < 100; frame++) {
    fixture.guest.words.fill(frame, source.offsetBytes / 4, source.offsetBytes / 4 + 256);
    fixture.display.show(0, source, wholeOf(source));
    fixture.display.write();
  }
  frontEnd.roomBytes = Infinity;
  fixture.writeAll(frontEnd);

  assertEquals(frontEnd.told, [["SCANOUT", 0, 16, 16], ["UPDATE", 0, 0, 0, 16, 16]]);
  assertEquals(new Set(frontEnd.surfaces.get(0)!.pixels), new Set([shown(99)]));
});

Deno.test("VhostUserGpuDisplay sends every damaged pixel of more rectangles than it keeps", async () => {
  const fixture = await Fixture.make();
  const frontEnd = fixture.connect();
  const source = fixture.source(64, 64);
  fixture.display.show(0, source, wholeOf(source));
  fixture.writeAll(frontEnd);
  frontEnd.told.length = 0;
  fixture.guest.words.fill(0xabcdef, source.offsetBytes / 4, source.offsetBytes / 4 + 64 * 64);

  for (let index = 0; index < 32; index++) {
    fixture.display.show(0, source, { x: 2 * index, y: (index * 13) % 64, width: 1, height: 1 });
  }
  fixture.writeAll(frontEnd);

  const { pixels } = frontEnd.surfaces.get(0)!;
  for (let index = 0; index < 32; index++) assertEquals(pixels[(index * 13) % 64 * 64 + 2 * index], shown(0xabcdef));
  assert(frontEnd.told.length < 16);
});

Deno.test("VhostUserGpuDisplay shows nothing outside the size sent last when the size changes within a message", async () => {
  const fixture = await Fixture.make();
  const frontEnd = fixture.connect();
  const large = fixture.source(32, 32);
  const small = fixture.source(4, 4, 7);
  fixture.display.show(0, large, wholeOf(large));
  frontEnd.roomBytes = 200;
  fixture.display.write();

  fixture.display.show(0, small, wholeOf(small));
  frontEnd.roomBytes = Infinity;
  fixture.writeAll(frontEnd);

  assertEquals(frontEnd.told, [
    ["SCANOUT", 0, 32, 32],
    ["UPDATE", 0, 0, 0, 32, 32],
    ["SCANOUT", 0, 4, 4],
    ["UPDATE", 0, 0, 0, 4, 4],
  ]);
});

Deno.test("VhostUserGpuDisplay keeps what was shown while the guest has chosen a smaller picture and not flushed it", async () => {
  const fixture = await Fixture.make();
  const frontEnd = fixture.connect();
  const source = fixture.source(8, 8);
  fixture.display.show(0, source, wholeOf(source));
  fixture.writeAll(frontEnd);

  fixture.display.show(0, source, { x: 4, y: 4, width: 4, height: 4 });
  source.widthPixels = 2; // SET_SCANOUT, of which a display hears at the next flush
  fixture.writeAll(frontEnd);

  assertEquals(frontEnd.names, ["SCANOUT", "UPDATE"]);
});

Deno.test("VhostUserGpuDisplay.disable sends a SCANOUT of 0 by 0, and none for what was never shown", async () => {
  const fixture = await Fixture.make();
  const frontEnd = fixture.connect();
  const source = fixture.source(2, 2);
  fixture.display.show(0, source, wholeOf(source));
  fixture.writeAll(frontEnd);

  fixture.display.disable(0);
  fixture.display.disable(1);
  fixture.writeAll(frontEnd);

  assertEquals(frontEnd.told.slice(2), [["SCANOUT", 0, 0, 0]]);
});

Deno.test("VhostUserGpuDisplay does not show a picture that no front end has memory for", async () => {
  const fixture = await Fixture.make();
  const frontEnd = fixture.connect();
  const source = fixture.source(1, 16385);

  fixture.display.show(0, source, wholeOf(source));
  fixture.writeAll(frontEnd);

  assertEquals(frontEnd.told, []);
});

Deno.test("VhostUserGpuDisplay.setCursor sends CURSOR_UPDATE as a8r8g8b8 with its place, then places alone", async () => {
  const fixture = await Fixture.make();
  const frontEnd = fixture.connect();

  fixture.display.setCursor(0, fixture.cursor(0x80302010));
  fixture.display.moveCursor(0, 5, -6);
  fixture.writeAll(frontEnd);
  fixture.display.moveCursor(0, 7, 8);
  fixture.display.moveCursor(0, 9, 10);
  fixture.writeAll(frontEnd);

  assertEquals(frontEnd.told, [["CURSOR_UPDATE", 0, 5, -6 >>> 0, 3, 4], ["CURSOR_POS", 0, 9, 10]]);
  assertEquals(frontEnd.cursor, new Uint32Array(64 * 64).fill(0x80102030));
});

Deno.test("VhostUserGpuDisplay.setCursor hides what was shown by CURSOR_POS_HIDE, once", async () => {
  const fixture = await Fixture.make();
  const frontEnd = fixture.connect();
  fixture.display.setCursor(2, undefined);
  fixture.display.setCursor(2, fixture.cursor(1));
  fixture.writeAll(frontEnd);

  fixture.display.setCursor(2, undefined);
  fixture.display.moveCursor(2, 1, 1);
  fixture.writeAll(frontEnd);

  assertEquals(frontEnd.told, [["CURSOR_UPDATE", 2, 0, 0, 3, 4], ["CURSOR_POS_HIDE", 2, 1, 1]]);
});

Deno.test("VhostUserGpuDisplay.connect shows a new front end everything", async () => {
  const fixture = await Fixture.make();
  const first = fixture.connect();
  const source = fixture.source(4, 4);
  fixture.display.show(3, source, wholeOf(source));
  fixture.display.setCursor(3, fixture.cursor(1));
  first.roomBytes = 30;
  fixture.display.write(); // its socket dies within a message

  const second = new GpuFrontEnd();
  fixture.display.connect(second);
  fixture.writeAll(second);

  assertEquals(second.names, ["GET_PROTOCOL_FEATURES", "SCANOUT", "CURSOR_UPDATE", "UPDATE"]);
});

Deno.test("VhostUserGpuDisplay.write says when the socket is broken", async () => {
  const fixture = await Fixture.make();
  const frontEnd = fixture.connect();
  const source = fixture.source(4, 4);
  fixture.display.show(0, source, wholeOf(source));
  frontEnd.isBroken = true;

  assertEquals(fixture.display.write(), false);
});

Deno.test("VhostUserGpuDisplay without a front end takes everything and says nothing", async () => {
  const fixture = await Fixture.make();
  const source = fixture.source(4, 4);

  fixture.display.show(0, source, wholeOf(source));
  fixture.display.moveCursor(0, 1, 1);

  assertEquals(fixture.display.write(), true);
  assertEquals(fixture.display.areOutputsKnown(), true);
});

Deno.test("VhostUserGpuDisplay asks a front end without EDIDs for its display info alone", async () => {
  const fixture = await Fixture.make();
  const frontEnd = new GpuFrontEnd();
  fixture.display.connect(frontEnd);
  fixture.writeAll(frontEnd);
  assertEquals(frontEnd.told, [["GET_PROTOCOL_FEATURES"]]);

  fixture.receive(featuresReply(0));
  fixture.writeAll(frontEnd);
  fixture.receive(displayInfoReply([1280, 800], undefined, [640, 480]));

  assertEquals(frontEnd.told.slice(1), [["SET_PROTOCOL_FEATURES", 0], ["GET_DISPLAY_INFO"]]);
  assertEquals(fixture.outputs.length, 1);
  const [first, second, third] = fixture.outputs[0]!;
  assertEquals([first!.isEnabled, first!.widthPixels, first!.heightPixels, first!.edid], [true, 1280, 800, undefined]);
  assertEquals(second!.isEnabled, false);
  assertEquals([third!.isEnabled, third!.widthPixels, third!.heightPixels], [true, 640, 480]);
});

Deno.test("VhostUserGpuDisplay asks a front end with EDIDs for those of the connected monitors", async () => {
  const fixture = await Fixture.make();
  const frontEnd = new GpuFrontEnd();
  fixture.display.connect(frontEnd);
  fixture.writeAll(frontEnd);
  fixture.receive(featuresReply(1 << GpuProtocolFeature.Edid | 1 << GpuProtocolFeature.Dmabuf2));
  fixture.writeAll(frontEnd);
  fixture.receive(displayInfoReply(undefined, [640, 480], [800, 600]));
  fixture.writeAll(frontEnd);
  fixture.receive(edidReply(new Uint8Array([1, 2, 3])));
  fixture.writeAll(frontEnd);
  fixture.receive(edidReply(new Uint8Array([4])));

  assertEquals(frontEnd.told.slice(1), [
    ["SET_PROTOCOL_FEATURES", 1 << GpuProtocolFeature.Edid],
    ["GET_DISPLAY_INFO"],
    ["GET_EDID", 1],
    ["GET_EDID", 2],
  ]);
  const edids = fixture.outputs.at(-1)!.map(({ edid }) => edid && [...edid]);
  assertEquals(edids.slice(0, 4), [undefined, [1, 2, 3], [4], undefined]);
});

Deno.test("VhostUserGpuDisplay.areOutputsKnown asks each time, and is true once for each answer", async () => {
  const fixture = await Fixture.make();
  const frontEnd = fixture.connect();

  assertEquals(fixture.display.areOutputsKnown(), false);
  fixture.writeAll(frontEnd);
  assertEquals(frontEnd.told, [["GET_DISPLAY_INFO"]]);
  assert(fixture.display.isAwaited);
  fixture.receive(displayInfoReply([640, 480]));

  assert(!fixture.display.isAwaited);
  assertEquals([fixture.display.areOutputsKnown(), fixture.display.areOutputsKnown()], [true, false]);
});

Deno.test("VhostUserGpuDisplay.disconnect ends the wait for an answer, and says that nobody knows the monitors", async () => {
  const fixture = await Fixture.make();
  fixture.connect();
  fixture.display.areOutputsKnown();

  fixture.display.disconnect();

  assertEquals(fixture.display.areOutputsKnown(), true);
  assertEquals(fixture.outputs.at(-1), undefined);
});

Deno.test("VhostUserGpuDisplay.receive refuses a reply to no question, and what is no reply", async () => {
  const fixture = await Fixture.make();
  fixture.connect();

  assertMatch(fixture.receive(featuresReply(0))!, /a reply to no question/);
  assertMatch(fixture.receive(new Uint8Array(12).fill(1))!, /the display socket brought message/);
});
