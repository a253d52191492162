import { kernelCases } from "./kernel_cases.ts";

for (const { name, wasm, c, javascript } of await kernelCases()) {
  Deno.bench(`${name} kernel`, { group: name, baseline: true }, wasm);
  Deno.bench(`${name} javascript`, { group: name }, javascript);
  if (c !== undefined) Deno.bench(`${name} c`, { group: name }, c);
}
