// What TypeScript alone does not know of, as far as src/ uses it. Deno does, and checks the real types: `deno task ok`.

declare const GPUTextureUsage: { readonly TEXTURE_BINDING: number; readonly COPY_DST: number };

declare module "fast-png" {
  export function encode(image: {
    width: number;
    height: number;
    data: Uint8Array;
    channels: number;
    depth: number;
  }): Uint8Array;
}
