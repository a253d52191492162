import { deviceCases } from "./support/device_cases.ts";

for (const { name, operations, scanout, plain, floor } of await deviceCases()) {
  const group = operations === 1 ? name : `${name}, ${operations} times`;
  Deno.bench(`${name} scanout`, { group, baseline: true }, scanout);
  Deno.bench(`${name} plain javascript`, { group }, plain);
  if (floor !== undefined) Deno.bench(`${name} floor`, { group }, floor);
}
