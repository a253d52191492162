import { sharedKernelsBase64, unsharedKernelsBase64 } from "./kernels.gen.ts";

/**
 * Compiles the kernel module for shared or for unshared memory.
 * The bytes travel in this package as text, so that no host needs a file or a fetch to start.
 */
export function compileKernels(isShared: boolean): Promise<WebAssembly.Module> {
  return WebAssembly.compile(kernelBytes(isShared));
}

/** The bytes of the kernel module, a fresh copy that the caller owns. */
export function kernelBytes(isShared: boolean): Uint8Array<ArrayBuffer> {
  const text = atob(isShared ? sharedKernelsBase64 : unsharedKernelsBase64);
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
