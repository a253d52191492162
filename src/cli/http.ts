import { encodePng } from "../display/png_encode.ts";
import type { Picture } from "../display/memory_display.ts";
import type { Screenshot, ScreenState } from "../hosts/deno/vhost_user.ts";
import { MAX_SCANOUTS } from "../protocol/wire.gen.ts";
import { LivePages } from "./http_live.ts";
import { LIVE_PAGE } from "./http_page.ts";

/** Where the screens come from: a back end. */
export interface ScreenSource {
  /** What scanout `scanoutId`, 0 to 15, shows, in few words. */
  screen(scanoutId: number): ScreenState;
  /** What it shows; undefined when that is nothing. */
  screenshot(scanoutId: number): Promise<Screenshot | undefined>;
}

/** Where a server listens. */
export interface HttpAddress {
  /** An IP address of this machine. */
  readonly hostname: string;
  /** The port; 0 for one that is free. */
  readonly port: number;
}

/** A server that runs. */
export interface HttpServer {
  /** Where it is, as "http://127.0.0.1:8000/". */
  readonly url: string;
  /** Ends it and its connections. */
  close(): Promise<void>;
}

const HEADERS = { "cache-control": "no-store", "x-content-type-options": "nosniff" };
const PATH = /^\/scanout\/(\d{1,2})\.(png|ppm|json)$/;

/** Shows the screens of `source` by HTTP. Throws as `Deno.serve` does when it cannot listen at the address. */
export function serveHttp(source: ScreenSource, { hostname, port }: HttpAddress): HttpServer {
  const server = Deno.serve({ hostname, port, onListen() {} }, makeHandler(source));
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return { url: `http://${host}:${server.addr.port}/`, close: () => server.shutdown() };
}

/**
 * Answers requests for what scanouts show: `/` is a page that shows it live, `/scanout/N.png`, `.ppm` and `.json` are what
 * scanout N shows now. The pictures are those between two commands of the guest: the thread of the device copies them.
 */
export function makeHandler(source: ScreenSource): (request: Request) => Promise<Response> {
  const pages = new LivePages(source);
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (!isOwnPage(request)) return answer(403, "Another site's page must not look at the screens.");
    if (request.method !== "GET") return answer(405, "There is nothing here but to GET.");
    if (pathname === "/") return new Response(LIVE_PAGE, { headers: { ...HEADERS, ...PAGE_HEADERS } });
    if (pathname === "/live") return showLive(request, pages);
    const [, digits, kind] = PATH.exec(pathname) ?? [];
    const scanoutId = Number(digits);
    if (kind === undefined || scanoutId >= MAX_SCANOUTS) return answer(404, "There is no such thing here.");
    const screenshot = await source.screenshot(scanoutId);
    if (kind === "json") return Response.json(describe(scanoutId, screenshot), { headers: HEADERS });
    if (screenshot === undefined) return answer(404, `Scanout ${scanoutId} shows nothing.`);
    const body = kind === "png" ? pngOf(screenshot.picture) : ppmOf(screenshot.picture);
    const type = kind === "png" ? "image/png" : "image/x-portable-pixmap";
    return new Response(body, { headers: { ...HEADERS, "content-type": type } });
  };
}

const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'",
};

/**
 * Whether it is the user who asks, not another site's page: such a page may give this machine's address to a name of its own,
 * which the Host header then says, or open a WebSocket, whose Origin header says where it comes from.
 */
function isOwnPage({ headers }: Request): boolean {
  const host = headers.get("host") ?? "";
  const isAddress = /^(localhost|[\d.]+|\[[\da-f:.]+\])(:\d+)?$/i.test(host);
  const origin = headers.get("origin");
  return isAddress && (origin === null || origin === `http://${host}`);
}

function showLive(request: Request, pages: LivePages): Response {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") return answer(426, "This is for WebSockets.");
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onopen = () => pages.add(socket);
  socket.onclose = () => pages.remove(socket);
  socket.onerror = () => pages.remove(socket);
  return response;
}

function answer(status: number, text: string): Response {
  return new Response(`${text}\n`, { status, headers: HEADERS });
}

function describe(scanoutId: number, screenshot: Screenshot | undefined) {
  const { picture, format, resourceId, cursor } = screenshot ?? {};
  return {
    scanout: scanoutId,
    width: picture?.widthPixels ?? 0,
    height: picture?.heightPixels ?? 0,
    format: format ?? null,
    resource: resourceId ?? null,
    cursor: cursor === undefined ? null : {
      x: cursor.x,
      y: cursor.y,
      width: cursor.picture.widthPixels,
      height: cursor.picture.heightPixels,
      hotspotX: cursor.picture.hotspotX,
      hotspotY: cursor.picture.hotspotY,
    },
  };
}

function pngOf({ rgba, widthPixels, heightPixels }: Picture): Uint8Array<ArrayBuffer> {
  return encodePng(rgba, widthPixels, heightPixels);
}

/** The binary kind (P6): a line of text, then three bytes for each pixel. */
function ppmOf({ rgba, widthPixels, heightPixels }: Picture): Uint8Array<ArrayBuffer> {
  const header = new TextEncoder().encode(`P6\n${widthPixels} ${heightPixels}\n255\n`);
  const file = new Uint8Array(header.length + widthPixels * heightPixels * 3);
  file.set(header);
  for (let from = 0, to = header.length; from < rgba.length; from += 4) {
    file[to++] = rgba[from]!;
    file[to++] = rgba[from + 1]!;
    file[to++] = rgba[from + 2]!;
  }
  return file;
}
