import { deviceCases } from "./support/device_cases.ts";

const groups = await Promise.all(Object.values(deviceCases).map((make) => make()));
for (const { name, operations, scanout, plain, kernels, copy } of groups.flat()) {
  const group = operations === 1 ? name : `${name}, ${operations} times`;
  Deno.bench(`${name} scanout`, { group, baseline: true }, scanout);
  Deno.bench(`${name} plain javascript`, { group }, plain);
  if (kernels !== undefined) Deno.bench(`${name} kernels alone`, { group }, kernels);
  if (copy !== undefined) Deno.bench(`${name} plain copy`, { group }, copy);
}
