import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { cString, LIBC_PATHS } from "../../../src/hosts/deno/libc.ts";
import { Errno } from "../../../src/hosts/deno/linux_abi.ts";
import { LinuxPieces } from "./linux_pieces.ts";
import { testOnLinux } from "./on_linux.ts";

const LIBC = new URL("../../../src/hosts/deno/libc.ts", import.meta.url).href;

testOnLinux("a call that fails says why", () => {
  using pieces = new LinuxPieces();
  const { libc } = pieces;

  assertEquals(libc.calls.unlink(cString("/nowhere/at/all")), -1);

  assertEquals(libc.errno(), Errno.ENOENT);
  assertEquals(libc.describe(Errno.ENOENT), "No such file or directory");
});

testOnLinux("an error names the action and the cause", () => {
  using pieces = new LinuxPieces();
  const { libc } = pieces;
  libc.calls.unlink(cString("/nowhere/at/all"));

  assertEquals(libc.error("remove it").message, "Cannot remove it: No such file or directory");
});

testOnLinux("stable bytes are where their address says, and zero", () => {
  using pieces = new LinuxPieces();
  const { libc } = pieces;
  const { bytes, view, address } = libc.stableBytes(16);
  assertEquals(bytes, new Uint8Array(16));

  view.setUint32(4, 0x01020304, true);

  const copy = new Uint8Array(16);
  libc.calls.copyFrom(copy, address, 16n);
  assertEquals(copy, new Uint8Array([0, 0, 0, 0, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0]));
});

testOnLinux("the bytes of a shared WebAssembly memory have an address that stays when it grows", () => {
  using pieces = new LinuxPieces();
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  const address = pieces.libc.addressOf(new Uint8Array(memory.buffer));

  memory.grow(1024);

  assertEquals(pieces.libc.addressOf(new Uint8Array(memory.buffer)), address);
});

testOnLinux("without its permission the error says which one it takes", async () => {
  const { code, stderr } = await evaluate("--no-prompt");
  assert(code !== 0);
  assertStringIncludes(stderr, `--allow-ffi=PATH, where PATH is one of ${LIBC_PATHS[0]}`);
});

testOnLinux("the permission for the library's path is enough", async () => {
  const flags = LIBC_PATHS.map((path) => `--allow-ffi=${path}`);
  assertEquals(await evaluate("--no-prompt", ...flags), { code: 0, stderr: "" });
});

/** Opens the library in a program that has the permissions `flags`. */
async function evaluate(...flags: string[]): Promise<{ code: number; stderr: string }> {
  const program = `import { Libc } from ${JSON.stringify(LIBC)}; new Libc().errno();`;
  const args = ["run", "-q", ...flags, `data:application/javascript,${encodeURIComponent(program)}`];
  const deno = new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } });
  const { code, stderr } = await deno.output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}
