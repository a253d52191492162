/**
 * A back end as a program of its own, for tests: takes `BackEndProcessOptions` as JSON, prints what it reports, and answers each
 * line `screenshot N` of its standard input by one line of JSON.
 */

import { runVhostUser } from "../../../src/hosts/deno/run_vhost_user.ts";
import type { Renderer } from "../../../src/renderer/renderer.ts";
import { ReferenceRenderer } from "../renderer/reference_renderer.ts";
import { holdFills } from "./held_fills.ts";
import type { Report, VhostUserBackEnd } from "../../../src/hosts/deno/vhost_user.ts";
import type { BackEndProcessOptions } from "./back_end_process.ts";

const { renderer, ...rest } = JSON.parse(Deno.args[0]!);
const options = {
  ...rest,
  ...(renderer && { renderer: makeRenderer(renderer) }),
  onReport: ({ level, text }: Report) => console.log(`${level}: ${text}`),
};

function makeRenderer(kind: BackEndProcessOptions["renderer"]): Renderer {
  const renderer = new ReferenceRenderer();
  if (kind === "late") holdFills(renderer);
  if (kind === "throwing") {
    renderer.submit = () => {
      throw new Error("no more");
    };
  }
  return renderer;
}

async function answerLines(backEnd: VhostUserBackEnd): Promise<void> {
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    for (const [, scanoutId] of text.matchAll(/^screenshot (\d+)$/gm)) {
      const shot = await backEnd.screenshot(Number(scanoutId));
      const { widthPixels = 0, heightPixels = 0, rgba } = shot?.picture ?? {};
      const { x, y, picture: cursor } = shot?.cursor ?? {};
      const base64 = rgba?.toBase64() ?? "";
      const cursorBase64 = cursor?.rgba.toBase64();
      console.log(`screenshot ${JSON.stringify({ widthPixels, heightPixels, base64, x, y, cursorBase64 })}`);
    }
  }
}

try {
  await runVhostUser(options, (backEnd) => {
    console.log("ready");
    answerLines(backEnd).catch(() => {}); // the input is closed at the end
  });
  console.log("ended");
  Deno.stdin.close();
} catch (error) {
  console.log(`failed: ${error instanceof Error ? error.message : error}`);
  Deno.exit(1);
}
