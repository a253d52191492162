/** What the server says of the guest: guest.json. */
export interface GuestManifest {
  readonly commandLine: string;
  readonly memoryBytes: number;
  /** The shell command that starts what is to be seen, once the guest takes commands. */
  readonly start: string;
}

/** What a machine is made of. */
export interface GuestFiles extends GuestManifest {
  readonly wasm: WebAssembly.Module;
  readonly bios: ArrayBuffer;
  readonly vgaBios: ArrayBuffer;
  readonly kernel: ArrayBuffer;
  readonly initramfs: ArrayBuffer;
  /** What v86 saved of the guest when it had booted, if that was asked for. */
  readonly bootedState: ArrayBuffer | undefined;
}

/** Hears how many bytes of all have arrived. */
export type OnBytes = (done: number, total: number) => void;

/** The guests, and where their files are on the server. */
export const GUESTS = { desktop: "guest/", weston: "guest/weston/" } as const;
/** The names of the files on the server. */
export const FILES = {
  wasm: "v86.wasm",
  bios: "bios.bin",
  vgaBios: "vgabios.bin",
  kernel: "vmlinuz",
  initramfs: "initramfs.cpio",
  bootedState: "booted.state",
} as const;
/** The manifest's. */
export const MANIFEST = "guest.json";

/** Fetches everything from the folder `url`, all at once. Rejects with what is missing, for people. */
export async function loadGuest(url: string, isBooted: boolean, onBytes: OnBytes): Promise<GuestFiles> {
  const manifest: GuestManifest = await (await get(url, MANIFEST)).json();
  const sizes = { done: 0, total: 0 };
  const load = async (name: string): Promise<ArrayBuffer> => {
    const response = await get(url, name);
    sizes.total += Number(response.headers.get("content-length") ?? 0);
    return await readAll(response, (bytes) => onBytes(sizes.done += bytes, sizes.total));
  };
  const [wasm, bios, vgaBios, kernel, initramfs, bootedState] = await Promise.all([
    load(FILES.wasm),
    load(FILES.bios),
    load(FILES.vgaBios),
    load(FILES.kernel),
    load(FILES.initramfs),
    isBooted ? load(FILES.bootedState) : undefined,
  ]);
  return { ...manifest, wasm: await compile(wasm), bios, vgaBios, kernel, initramfs, bootedState };
}

async function get(url: string, name: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(new URL(name, url));
  } catch {
    throw new Error(`The server does not answer (${name}). Does "deno task demo:page" still run?`);
  }
  if (response.ok) return response;
  throw new Error(`The guest's image is not complete: there is no ${name} on the server (${response.status}).`);
}

async function readAll(response: Response, onBytes: (bytes: number) => void): Promise<ArrayBuffer> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const reader = response.body!.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    chunks.push(part.value);
    onBytes(part.value.length);
  }
  return await new Blob(chunks).arrayBuffer();
}

async function compile(wasm: ArrayBuffer): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(wasm);
  } catch (error) {
    throw new Error(`This browser does not take v86.wasm: ${(error as Error).message}`);
  }
}
