import { assertEquals, assertStringIncludes } from "@std/assert";
import { FrontEndRequest } from "../../../src/transport/vhost_user/vhost_user.gen.ts";
import { PERMISSIONS } from "../../support/vhost_front_end/back_end_process.ts";
import { FrontEndSocket } from "../../support/vhost_front_end/front_end_socket.ts";
import { LinuxPieces } from "./linux_pieces.ts";
import { testOnLinux } from "./on_linux.ts";

const RUN_VHOST_USER = new URL("../../../src/hosts/deno/run_vhost_user.ts", import.meta.url).href;
const [SERVES, HAS_ENDED] = ["serves\n", "has ended\n"];
const OWN_STATUS = 7;

/** Runs a back end and says so, then waits for the end of its input. */
const PROGRAM = `
  import { runVhostUser } from ${JSON.stringify(RUN_VHOST_USER)};
  const say = (text) => Deno.stdout.writeSync(new TextEncoder().encode(text));
  await runVhostUser({ socketPath: Deno.args[0] }, () => say(${JSON.stringify(SERVES)}));
  say(${JSON.stringify(HAS_ENDED)});
  await Deno.stdin.read(new Uint8Array(1));
  Deno.exit(${OWN_STATUS});`;

testOnLinux("a signal that comes when the front end has gone leaves the exit status to the program", async () => {
  using pieces = new LinuxPieces();
  const folder = Deno.makeTempDirSync();
  const socketPath = `${folder}/socket`;
  const args = ["run", "-q", ...PERMISSIONS, `data:application/javascript,${encodeURIComponent(PROGRAM)}`, socketPath];
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped" }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  assertStringIncludes((await lines.read()).value ?? "", SERVES);
  const frontEnd = FrontEndSocket.connect(pieces.libc, socketPath);
  frontEnd.send(FrontEndRequest.SetOwner);
  frontEnd.close();
  assertStringIncludes((await lines.read()).value ?? "", HAS_ENDED);

  child.kill("SIGTERM");
  await child.stdin.close();

  assertEquals((await child.status).code, OWN_STATUS);
  await lines.cancel();
  Deno.removeSync(folder, { recursive: true });
});
