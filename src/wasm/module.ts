import { kernelsBase64, unsharedKernelsBytes } from "./kernels.gen.ts";

/**
 * Compiles the kernel module for shared or for unshared memory.
 * The bytes travel in this package as text, so that no host needs a file or a fetch to start.
 */
export async function compileKernels(isShared: boolean): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await kernelBytes(isShared));
}

/** The bytes of the kernel module, a fresh copy that the caller owns. */
export async function kernelBytes(isShared: boolean): Promise<Uint8Array<ArrayBuffer>> {
  const compressed = Uint8Array.from(atob(kernelsBase64), (character) => character.charCodeAt(0));
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const both = new Uint8Array(await new Response(stream).arrayBuffer());
  return isShared ? both.slice(unsharedKernelsBytes) : both.slice(0, unsharedKernelsBytes);
}
