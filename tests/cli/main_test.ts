import { assertEquals, assertMatch } from "@std/assert";
import { runScanout } from "./run_scanout.ts";

Deno.test("scanout --version prints the version of deno.json", async () => {
  const { version } = JSON.parse(await Deno.readTextFile("deno.json"));

  const { status, stdout, stderr } = await runScanout("--version");

  assertEquals([status, stdout.text, stderr.text], [0, `${version}\n`, ""]);
});

Deno.test("scanout --help lists the subcommands, examples and exit statuses", async () => {
  const { status, stdout } = await runScanout("--help");

  assertEquals(status, 0);
  for (const subcommand of ["demo", "edid", "image", "vhost-user"]) {
    assertMatch(stdout.text, new RegExp(`^  ${subcommand} `, "m"));
  }
  assertMatch(stdout.text, /^Examples:\n {2}scanout demo /m);
  assertMatch(stdout.text, /^Exit status: 0 done, 1 .*, 2 /m);
});

for (const subcommand of ["demo", "edid", "image", "vhost-user"]) {
  Deno.test(`scanout ${subcommand} --help prints its usage`, async () => {
    const { status, stdout } = await runScanout(subcommand, "--help");

    assertEquals(status, 0);
    assertMatch(stdout.text, new RegExp(`^Usage: scanout ${subcommand} `));
  });
}

const MISTAKES: readonly { readonly args: readonly string[]; readonly hint: RegExp }[] = [
  { args: [], hint: /^Usage: scanout / },
  { args: ["dmo"], hint: /unknown command 'dmo'\n\(Did you mean demo\?\)\nTry: scanout --help\n$/ },
  { args: ["--verson"], hint: /unknown option '--verson'\n\(Did you mean --version\?\)\nTry: scanout --help\n$/ },
  { args: ["demo", "--bult-in"], hint: /\(Did you mean --built-in\?\)\nTry: scanout demo --help\n$/ },
  { args: ["demo", "--out"], hint: /'--out <folder>' argument missing\nTry: scanout demo --help\n$/ },
  { args: ["demo", "extra"], hint: /too many arguments/ },
  { args: ["edid"], hint: /missing required argument 'WIDTHxHEIGHT'\nTry: scanout edid --help\n$/ },
  { args: ["edid", "1280"], hint: /'1280' is invalid .* must be a width and a height, such as 1280x800/ },
  { args: ["edid", "0x800"], hint: /widthPixels must be a whole number from 1 to 16384, got 0/ },
  { args: ["edid", "1280x16385"], hint: /heightPixels must be a whole number from 1 to 16384, got 16385/ },
];

for (const { args, hint } of MISTAKES) {
  Deno.test(`"scanout ${args.join(" ")}" ends with status 2 and a hint on standard error`, async () => {
    const { status, stdout, stderr } = await runScanout(...args);

    assertEquals([status, stdout.text], [2, ""]);
    assertMatch(stderr.text, hint);
  });
}

Deno.test("scanout ends with status 1 and the reason on standard error when it cannot write", async () => {
  const { status, stderr } = await runScanout("demo", "--built-in", "--out", "deno.json");

  assertEquals(status, 1);
  assertMatch(stderr.text, /^scanout: .*deno\.json/);
});
