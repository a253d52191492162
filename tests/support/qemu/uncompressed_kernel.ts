import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { GuestImage } from "../../../build/guest/image.ts";

const CACHE_FOLDER = fileURLToPath(new URL("../../../.cache/qemu", import.meta.url));

/** Fields of a bzImage, where Linux's boot protocol has them. */
const SETUP_SECTORS = 0x1f1;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_BYTES = 0x24c;
const SECTOR_BYTES = 512;

/**
 * The path of the image's kernel as the ELF program that its file has inside, which QEMU starts as well. A processor that
 * is emulated takes three of the five seconds of a boot to uncompress it; here it takes one, once.
 */
export async function uncompressedKernel({ kernel, release }: GuestImage): Promise<string> {
  const path = join(CACHE_FOLDER, `vmlinux-${release}`);
  const isThere = await Deno.stat(path).then(() => true, () => false);
  if (isThere) return path;
  await Deno.mkdir(CACHE_FOLDER, { recursive: true });
  const unfinished = await Deno.makeTempFile({ dir: CACHE_FOLDER, prefix: "writing-" });
  await Deno.writeFile(unfinished, await uncompress(payloadOf(kernel)));
  await Deno.rename(unfinished, path);
  return path;
}

function payloadOf(kernel: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const view = new DataView(kernel.buffer, kernel.byteOffset);
  const start = (view.getUint8(SETUP_SECTORS) + 1) * SECTOR_BYTES + view.getUint32(PAYLOAD_OFFSET, true);
  return kernel.subarray(start, start + view.getUint32(PAYLOAD_BYTES, true));
}

async function uncompress(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const args = ["--single-stream", "-dc"]; // the size follows the stream
  const xz = new Deno.Command("xz", { args, stdin: "piped", stdout: "piped" }).spawn();
  const written = new Blob([bytes]).stream().pipeTo(xz.stdin).catch(() => {}); // it does not read on then
  const uncompressed = await new Response(xz.stdout).bytes();
  await written;
  if (!(await xz.status).success) throw new Error("Cannot uncompress the kernel: xz fails");
  return uncompressed;
}
