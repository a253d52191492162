import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** Debian's: `apt-get install chromium`. */
const CHROMIUM = "/usr/bin/chromium";

/** Without these a headless Chromium does not start as root, and asks hosts that nobody needs. */
const QUIET = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** All four are needed for a WebGPU canvas without a GPU. */
const WEBGPU = [
  "--enable-unsafe-webgpu",
  "--enable-features=Vulkan",
  "--use-vulkan=swiftshader",
  "--use-angle=swiftshader",
];

/** Starts a headless Chromium; the caller closes it. With `hasWebGpu` it has a software adapter. */
export function startBrowser(hasWebGpu = false): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: hasWebGpu ? [...QUIET, ...WEBGPU] : QUIET });
}

/** How a page is opened. */
export interface OpenOptions {
  readonly context?: BrowserContextOptions;
  /** A script that runs in the page before its own. */
  readonly initScript?: string;
}

/** Opens a page that throws what goes wrong in it: in `problems`, which a test asserts to be empty. */
export async function openPage(
  browser: Browser,
  url: string,
  { context, initScript }: OpenOptions = {},
): Promise<{ page: Page; problems: string[] }> {
  const page = await browser.newPage(context);
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.stack ?? error.message));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  if (initScript !== undefined) await page.addInitScript(initScript);
  await page.goto(url);
  return { page, problems };
}
