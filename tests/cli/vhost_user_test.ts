import { assertEquals, assertMatch } from "@std/assert";
import { outputsOf, parseBytes, parseHttpAddress, parseSizes } from "../../src/cli/vhost_user_options.ts";
import { runScanout } from "./run_scanout.ts";

Deno.test("scanout vhost-user --print-capabilities prints what QEMU and libvirt read, whatever else is there", async () => {
  const { status, stdout, stderr } = await runScanout("vhost-user", "--print-capabilities", "--virgl", "--fd=3");

  assertEquals([status, stderr.text], [0, ""]);
  assertEquals(JSON.parse(stdout.text), { type: "gpu", features: [] });
});

Deno.test("scanout vhost-user --help has examples, defaults and exit statuses", async () => {
  const { status, stdout } = await runScanout("vhost-user", "--help");

  assertEquals(status, 0);
  assertMatch(stdout.text, /^Examples:\n {2}scanout vhost-user --socket-path=/m);
  assertMatch(stdout.text, /\(default: 1280x800\)/);
  assertMatch(stdout.text, /^Exit status: 0 .*, 1 .*, 2 /m);
});

const MISTAKES: readonly { readonly args: readonly string[]; readonly hint: RegExp }[] = [
  { args: [], hint: /one of '--socket-path' and '--fd' must be given\nTry: scanout vhost-user --help\n$/ },
  { args: ["--soket-path=x"], hint: /unknown option '--soket-path=x'\n\(Did you mean --socket-path\?\)\nTry: / },
  { args: ["--socket-path=x", "--fd=3"], hint: /--fd <number>' cannot be used with option '.*--socket-path <path>'/ },
  { args: ["--fd=3", "--keep"], hint: /cannot be used with option '--keep'/ },
  { args: ["--fd=three"], hint: /must be the number of a file descriptor/ },
  { args: ["--socket-path"], hint: /argument missing/ },
  { args: ["--socket-path=x", "y"], hint: /too many arguments/ },
  { args: ["--socket-path=x", "--resolution=1280"], hint: /a width and a height of 1 to 16384 pixels/ },
  { args: ["--socket-path=x", "--resolution=0x1"], hint: /a width and a height of 1 to 16384 pixels/ },
  { args: ["--socket-path=x", "--resolution=1x16385"], hint: /a width and a height of 1 to 16384 pixels/ },
  { args: ["--socket-path=x", "--max-outputs=0"], hint: /must be a number from 1 to 16/ },
  { args: ["--socket-path=x", "--max-outputs=17"], hint: /must be a number from 1 to 16/ },
  {
    args: ["--socket-path=x", "--max-outputs=1", "--resolution=8x8,9x9"],
    hint: /2 sizes are more than --max-outputs=1/,
  },
  { args: ["--socket-path=x", "--host-memory=0"], hint: /must be a number of bytes, such as 4096, 4K, 512M or 1G/ },
  { args: ["--socket-path=x", "--host-memory=1T"], hint: /must be a number of bytes/ },
  { args: ["--socket-path=x", "--blob-alignment=3000"], hint: /must be a power of two below 4G/ },
  { args: ["--socket-path=x", "--blob-alignment=4G"], hint: /must be a power of two below 4G/ },
  { args: ["--socket-path=x", "--http=here"], hint: /must be a port, or an IP address and a port/ },
  { args: ["--socket-path=x", "--http=65536"], hint: /must be a port, or an IP address and a port/ },
];

for (const { args, hint } of MISTAKES) {
  Deno.test(`"scanout vhost-user ${args.join(" ")}" ends with status 2 and a hint on standard error`, async () => {
    const { status, stdout, stderr } = await runScanout("vhost-user", ...args);

    assertEquals([status, stdout.text], [2, ""]);
    assertMatch(stderr.text, hint);
  });
}

Deno.test("parseSizes reads one size or several", () => {
  assertEquals(parseSizes("1280x800"), [{ widthPixels: 1280, heightPixels: 800 }]);
  assertEquals(parseSizes("1x2,16384x16384").map(({ heightPixels }) => heightPixels), [2, 16384]);
});

Deno.test("parseBytes knows K, M and G", () => {
  assertEquals(["4096", "4K", "512M", "1G"].map(parseBytes), [4096, 4096, 2 ** 29, 2 ** 30]);
});

Deno.test("parseHttpAddress means this machine alone unless an address is given", () => {
  assertEquals(parseHttpAddress("8000"), { hostname: "127.0.0.1", port: 8000 });
  assertEquals(parseHttpAddress("0.0.0.0:1"), { hostname: "0.0.0.0", port: 1 });
  assertEquals(parseHttpAddress("[::1]:0"), { hostname: "::1", port: 0 });
});

Deno.test("outputsOf connects as many monitors as there are sizes", () => {
  const outputs = outputsOf(parseSizes("8x9,10x11"), 3);

  assertEquals(outputs, [
    { widthPixels: 8, heightPixels: 9, isEnabled: true },
    { widthPixels: 10, heightPixels: 11, isEnabled: true },
    { widthPixels: 8, heightPixels: 9, isEnabled: false },
  ]);
});
