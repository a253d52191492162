/** Files by their paths, without a slash at the beginning. A function gives one when it is asked for. */
export type ServedFiles = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** A server that runs. */
export interface FileServer {
  /** Where it is, as "http://127.0.0.1:8000/". */
  readonly url: string;
  /** Resolves when it has ended. */
  readonly finished: Promise<void>;
  /** Ends it. */
  stop(): Promise<void>;
}

const TYPES: Record<string, string> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  wasm: "application/wasm",
};

/** They isolate the page, which gives it exact timers and shared memory. */
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};
const HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "Cache-Control": "no-store",
};

/**
 * Serves `files` on loopback; `/` is index.html. Throws as `Deno.serve` does where the port is taken; 0: any free one. Pages
 * are isolated from other origins unless `isIsolated` is false.
 */
export function serveFiles(files: ServedFiles, port: number, isIsolated = true): FileServer {
  const common = isIsolated ? { ...HEADERS, ...ISOLATION } : HEADERS;
  const server = Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, ({ url, method }) => {
    const name = new URL(url).pathname.slice(1) || "index.html";
    const file = files.get(name);
    if (method !== "GET" && method !== "HEAD") {
      return new Response("There is nothing here but to GET.\n", { status: 405 });
    }
    if (file === undefined) return new Response("There is no such file here.\n", { status: 404, headers: common });
    const type = TYPES[name.split(".").at(-1)!] ?? "application/octet-stream";
    const headers = { ...common, "Content-Type": type, "Content-Length": String(file.length) };
    return new Response(method === "HEAD" ? null : file, { headers });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    finished: server.finished,
    stop: () => server.shutdown(),
  };
}
