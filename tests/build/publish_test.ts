import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);

Deno.test("deno publish would take the sources of the entries, with no slow type, and none of the files for work on them", async () => {
  const deno = new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty"],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  });
  const { success, stdout, stderr } = await deno.output();
  const output = new TextDecoder().decode(stderr) + new TextDecoder().decode(stdout);
  assert(success, output);
  const paths = [...output.matchAll(/^ +(file:\S+) \(/gm)].map((match) => match[1]!.slice(ROOT.href.length));
  assert(paths.includes("src/mod.ts"), output);
  const places = new Set(paths.map((path) => /^(?:src|docs)\/|^[^/]+$/.exec(path)?.[0] ?? path));
  assertEquals([...places].sort(), ["CHANGELOG.md", "LICENSE", "README.md", "deno.json", "docs/", "src/"]);
});
