import { instantiateKernels, type Kernels } from "../../src/wasm/kernels.ts";
import * as layout from "../../src/wasm/layout.gen.ts";

/** The kernels over a memory of their own, with views of it. */
export interface KernelFixture {
  /** The kind of memory, for the name of a test. */
  name: string;
  kernels: Kernels;
  bytes: Uint8Array;
  view: DataView;
}

/** One fixture over unshared and one over shared memory, of `pages` 64 KiB pages each. */
export async function kernelFixtures(pages: number): Promise<KernelFixture[]> {
  const unshared = new WebAssembly.Memory({ initial: pages });
  const shared = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  return [await fixture("unshared memory", unshared), await fixture("shared memory", shared)];
}

async function fixture(name: string, memory: WebAssembly.Memory): Promise<KernelFixture> {
  return {
    name,
    kernels: await instantiateKernels(memory),
    bytes: new Uint8Array(memory.buffer),
    view: new DataView(memory.buffer),
  };
}

/** Fills the memory with bytes that differ from their neighbours and from row to row, the same each time. */
export function fillPattern(bytes: Uint8Array): void {
  let state = 0x9e3779b9;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
}

/** A copy of the bytes in an array of its own, to compute what should be there. */
export function imageOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

/** The name of a kernel's error code, for the name of a test. */
export function errorName(code: number): string {
  return Object.entries(layout).find(([name, value]) => name.startsWith("ERROR_") && value === code)![0];
}
