/** The smallest module with an instruction of SIMD, without which Scanout's kernels do not run. */
const SIMD = "AGFzbQEAAAABBQFgAAF7AwIBAAoKAQgAQQD9D/1iCw==";

/** Whether this browser's WebAssembly has SIMD. */
export function hasSimd(): boolean {
  return WebAssembly.validate(Uint8Array.from(atob(SIMD), (character) => character.charCodeAt(0)));
}

/** Whether a Worker can draw on a canvas of the page. */
export function canDrawInWorker(): boolean {
  return typeof HTMLCanvasElement.prototype.transferControlToOffscreen === "function" && typeof Worker === "function";
}
