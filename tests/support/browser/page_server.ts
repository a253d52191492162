import { build, stop } from "esbuild";

const ROOT = new URL("../../..", import.meta.url).pathname;

/** What a page may have besides its script. */
export interface PageOptions {
  /** Whether it may use shared memory: the headers that isolate it are sent; true when absent. */
  readonly isIsolated?: boolean;
}

/** A web server on loopback with one page, whose script is a TypeScript file of this project, bundled. */
export class PageServer {
  /** Where the page is. */
  readonly url: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(script: string, { isIsolated = true }: PageOptions) {
    const isolation = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
    const headers = isIsolated ? isolation : {};
    const page =
      `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module">${script}</script>`;
    const answer = () => new Response(page, { headers: { ...headers, "Content-Type": "text/html" } });
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
    this.url = `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  /** Serves the page whose script is `path`, from the project's root. */
  static async start(path: string, options: PageOptions = {}): Promise<PageServer> {
    const script = await bundleScript(path);
    return new PageServer(script.replaceAll("</script", "<\\/script"), options);
  }

  /** Ends the server. */
  async stop(): Promise<void> {
    await this.#server.shutdown();
  }
}

/** A TypeScript file of this project, by its path from the project's root, as one script. */
export async function bundleScript(path: string): Promise<string> {
  const result = await build({
    entryPoints: [path],
    absWorkingDir: ROOT,
    bundle: true,
    format: "esm",
    write: false,
    logLevel: "silent",
  });
  await stop();
  return result.outputFiles[0]!.text;
}
