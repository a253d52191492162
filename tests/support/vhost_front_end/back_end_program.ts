/** A back end as a program of its own, for tests: takes `VhostUserOptions` as JSON, and prints what it reports. */

import { runVhostUser } from "../../../src/hosts/deno/run_vhost_user.ts";
import type { Report } from "../../../src/hosts/deno/vhost_user.ts";

const options = {
  ...JSON.parse(Deno.args[0]!),
  onReport: ({ level, text }: Report) => console.log(`${level}: ${text}`),
};

try {
  await runVhostUser(options, () => console.log("ready"));
  console.log("ended");
} catch (error) {
  console.log(`failed: ${error instanceof Error ? error.message : error}`);
  Deno.exit(1);
}
