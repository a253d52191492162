import { assert, assertEquals } from "@std/assert";
import { makeHandler, serveHttp } from "../../src/cli/http.ts";
import { differences, LiveMessage } from "../../src/cli/http_live_message.ts";
import { LivePages } from "../../src/cli/http_live.ts";
import { FakeScreens, pictureOf, shotOf } from "../support/fake_screens.ts";
import { decodePng } from "../support/png.ts";
import { decodePpm } from "../support/ppm.ts";

function get(screens: FakeScreens, path: string, headers: HeadersInit = {}, method = "GET"): Promise<Response> {
  const request = new Request(`http://127.0.0.1:8000${path}`, {
    method,
    headers: { host: "127.0.0.1:8000", ...headers },
  });
  return makeHandler(screens)(request);
}

Deno.test("/scanout/N.png and .ppm are the same picture", async () => {
  const screens = new FakeScreens();
  screens.screens[2] = shotOf(3, 2);

  const png = await get(screens, "/scanout/2.png");
  const ppm = await get(screens, "/scanout/2.ppm");

  assertEquals([png.status, png.headers.get("content-type")], [200, "image/png"]);
  assertEquals([ppm.status, ppm.headers.get("content-type")], [200, "image/x-portable-pixmap"]);
  const wanted = pictureOf(3, 2);
  assertEquals({ ...decodePng(await png.bytes()) }, wanted);
  assertEquals({ ...decodePpm(await ppm.bytes()) }, wanted);
});

Deno.test("/scanout/N.json says what a scanout shows", async () => {
  const screens = new FakeScreens();
  const cursor = { picture: { ...pictureOf(64, 64), hotspotX: 1, hotspotY: 2 }, x: -3, y: 4 };
  screens.screens[0] = { ...shotOf(3, 2), cursor };

  const response = await get(screens, "/scanout/0.json");

  assertEquals(await response.json(), {
    scanout: 0,
    width: 3,
    height: 2,
    format: "B8G8R8X8",
    resource: 5,
    cursor: { x: -3, y: 4, width: 64, height: 64, hotspotX: 1, hotspotY: 2 },
  });
});

Deno.test("A scanout that shows nothing has no pictures, and a JSON that says so", async () => {
  const screens = new FakeScreens();

  assertEquals((await get(screens, "/scanout/15.png")).status, 404);
  assertEquals(await (await get(screens, "/scanout/15.json")).json(), {
    scanout: 15,
    width: 0,
    height: 0,
    format: null,
    resource: null,
    cursor: null,
  });
});

const REFUSED: readonly { path: string; headers?: HeadersInit; method?: string; status: number }[] = [
  { path: "/scanout/16.png", status: 404 },
  { path: "/scanout/-1.png", status: 404 },
  { path: "/scanout/0.gif", status: 404 },
  { path: "/scanout/0.png/", status: 404 },
  { path: "/live", status: 426 },
  { path: "/", method: "POST", status: 405 },
  { path: "/", headers: { host: "rebound.example:8000" }, status: 403 },
  { path: "/scanout/0.png", headers: { origin: "http://elsewhere.example" }, status: 403 },
];

for (const { path, headers, method = "GET", status } of REFUSED) {
  Deno.test(`${method} ${path} ${JSON.stringify(headers ?? {})} is answered by ${status}`, async () => {
    const response = await get(new FakeScreens(), path, headers, method);

    assertEquals(response.status, status);
    await response.body?.cancel();
  });
}

Deno.test("/ is a page that may connect to nothing else", async () => {
  const response = await get(new FakeScreens(), "/");

  assertEquals(response.headers.get("content-type"), "text/html; charset=utf-8");
  assert(response.headers.get("content-security-policy")!.includes("default-src 'none'"));
  assert((await response.text()).includes("<title>Scanout</title>"));
});

Deno.test("differences are rectangles that hold every pixel that differs, and no row without one at their edges", () => {
  const before = pictureOf(100, 70);
  const after = { ...before, rgba: before.rgba.slice() };
  for (const [x, y] of [[10, 3], [20, 5], [99, 69]]) after.rgba.set([0xee], (y! * 100 + x!) * 4);

  assertEquals(differences(before, after), [
    { x: 10, y: 3, width: 11, height: 3 },
    { x: 99, y: 69, width: 1, height: 1 },
  ]);
});

/** A live page's socket: keeps the headers of what it was sent. */
class FakeSocket {
  bufferedAmount = 0;
  readonly sent: number[][] = [];
  onSend: (() => void) | undefined;

  send(message: Uint8Array<ArrayBuffer>): void {
    this.sent.push([...new Int32Array(message.buffer, 0, 6)]);
    this.onSend?.();
  }

  /** Waits until there are `count` messages. */
  async wait(count: number): Promise<void> {
    while (this.sent.length < count) await new Promise<void>((resolve) => this.onSend = resolve);
  }
}

Deno.test("A live page gets a size, all pixels, and then what has changed", async () => {
  const screens = new FakeScreens();
  screens.screens[1] = shotOf(4, 4);
  const pages = new LivePages(screens);
  const socket = new FakeSocket();
  pages.add(socket);
  await socket.wait(2);

  const changed = shotOf(4, 4);
  changed.picture.rgba[(2 * 4 + 1) * 4] = 77;
  screens.screens[1] = changed;
  screens.frames++;
  await socket.wait(3);
  screens.screens[1] = undefined;
  screens.frames++;
  await socket.wait(4);
  pages.remove(socket);

  assertEquals(socket.sent, [
    [LiveMessage.Size, 1, 0, 0, 4, 4],
    [LiveMessage.Pixels, 1, 0, 0, 4, 4],
    [LiveMessage.Pixels, 1, 1, 2, 1, 1],
    [LiveMessage.Size, 1, 0, 0, 0, 0],
  ]);
  await new Promise((resolve) => setTimeout(resolve, 50)); // the last look
});

Deno.test("A live page gets the cursor's picture once, then its places, then that it is hidden", async () => {
  const screens = new FakeScreens();
  const cursor = (x: number) => ({ picture: { ...pictureOf(64, 64), hotspotX: 0, hotspotY: 0 }, x, y: -1 });
  screens.screens[0] = { ...shotOf(1, 1), cursor: cursor(5) };
  const pages = new LivePages(screens);
  const socket = new FakeSocket();
  pages.add(socket);
  await socket.wait(3);

  screens.screens[0] = { ...shotOf(1, 1), cursor: cursor(6) };
  screens.frames++;
  await socket.wait(4);
  screens.screens[0] = shotOf(1, 1);
  screens.frames++;
  await socket.wait(5);
  pages.remove(socket);

  assertEquals(socket.sent.slice(2), [
    [LiveMessage.Cursor, 0, 5, -1, 64, 64],
    [LiveMessage.CursorPlace, 0, 6, -1, 0, 0],
    [LiveMessage.Cursor, 0, 0, 0, 0, 0],
  ]);
  await new Promise((resolve) => setTimeout(resolve, 50));
});

Deno.test("Nobody is asked for a picture while nothing changes, and a page that does not read gets nothing more", async () => {
  const screens = new FakeScreens();
  screens.screens[0] = shotOf(1, 1);
  const pages = new LivePages(screens);
  const socket = new FakeSocket();
  pages.add(socket);
  await socket.wait(2);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const askedFirst = screens.asked;

  socket.bufferedAmount = 2 ** 30;
  screens.frames++;
  await new Promise((resolve) => setTimeout(resolve, 100));
  pages.remove(socket);

  assertEquals([askedFirst, screens.asked], [16, 16]);
  await new Promise((resolve) => setTimeout(resolve, 50));
});

Deno.test("serveHttp shows the screens over a WebSocket to its own page alone", async () => {
  const screens = new FakeScreens();
  screens.screens[0] = shotOf(2, 1);
  const server = serveHttp(screens, { hostname: "127.0.0.1", port: 0 });
  const socket = new WebSocket(`${server.url.replace("http", "ws")}live`);
  socket.binaryType = "arraybuffer";

  const kinds: number[] = [];
  while (kinds.length < 2) {
    const { data } = await new Promise<MessageEvent>((resolve) => socket.onmessage = resolve);
    kinds.push(new Int32Array(data, 0, 6)[0]!);
  }

  assertEquals(kinds, [LiveMessage.Size, LiveMessage.Pixels]);
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close();
  await closed;
  await server.close();
});
