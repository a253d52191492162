// What a Debian guest's drawing costs the host, counted by the contenders of bench/guest/figures.ts.

import { assertMatch } from "@std/assert";
import { type Contender, virtioGpu } from "../../bench/guest/contenders.ts";

Deno.test("with blobs the device converts each pixel that Linux flushes once, and copies it no other time", async () => {
  const contender = await virtioGpu("virtio-gpu with blobs", true);
  assertMatch(await reportOfFill(contender), /^1\.00 copies/);
});

Deno.test("without blobs it copies each pixel once more", async () => {
  const contender = await virtioGpu("virtio-gpu without blobs", false);
  assertMatch(await reportOfFill(contender), /^2\.0\d copies/); // and zeroes each resource once
});

async function reportOfFill({ run, report, close }: Contender): Promise<string> {
  await run("fill 100");
  const text = report();
  await close();
  return text;
}
