// What the docs name exists: tasks and their programs, options of the command line, entries, files.

import { assert, assertEquals } from "@std/assert";
import { runScanout } from "../cli/run_scanout.ts";
import { codeBlock } from "../support/code_block.ts";
import { ShellBlock } from "./shell_block.ts";

const ROOT = new URL("../../", import.meta.url);
const README = new URL("README.md", ROOT);
const PAGE = new URL("examples/v86/README.md", ROOT);
const CONFIG = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
const TASKS = Object.keys(CONFIG.tasks);
const DENO_OPTION = /^--allow-/;

/** The paths of README.md, ARCHITECTURE.md, docs/*.md and the examples' README, from the root of the project. */
async function docs(): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(new URL("docs/", ROOT)));
  const names = entries.map(({ name }) => name).filter((name) => name.endsWith(".md")).sort();
  return ["README.md", "ARCHITECTURE.md", "examples/v86/README.md", ...names.map((name) => `docs/${name}`)];
}

function read(path: string): Promise<string> {
  return Deno.readTextFile(new URL(path, ROOT));
}

/** Text without its code blocks. */
function prose(text: string): string {
  return text.replaceAll(/^```.*?^```$/gms, "");
}

/** The tasks that a block starts, whose programs are stood in for. */
async function startedTasks(block: string): Promise<string[]> {
  const programs = { git: 'mkdir "$3"', npx: 'echo "$*"', deno: 'echo "-y deno@2 $*"' };
  await using run = new ShellBlock(block, { changes: {}, programs, isInProject: false });
  const { code, stdout, stderr } = await run.end();
  assertEquals([code, stderr], [0, ""]);
  return stdout.trimEnd().split("\n").map((line) => /^-y deno@2 task (\S+)$/.exec(line)?.[1] ?? line);
}

Deno.test("README: its first block clones the repository and starts three tasks, which there are", async () => {
  const block = (await codeBlock(README, "# Scanout", "sh")).replace("<this repository>", "repository");
  const started = await startedTasks(block);
  assertEquals(started, ["demo", "demo:page", "test"]);
  assertEquals(started.filter((task) => !TASKS.includes(task)), []);
});

Deno.test("examples/v86/README.md: its block starts the task that serves the page", async () => {
  assertEquals(await startedTasks(await codeBlock(PAGE, "# Debian in a page", "sh")), ["demo:page"]);
  assert(CONFIG.tasks["demo:page"].endsWith(" build/demo_page.ts"));
});

Deno.test("The docs name no task that deno.json has not", async () => {
  for (const path of await docs()) {
    const named = [...(await read(path)).matchAll(/\bdeno(?:@2)? task (?:-q )?([a-z]+(?::[a-z-]+)*)/g)].map((
      [, task],
    ) => task!);
    assertEquals(named.filter((task) => !TASKS.includes(task)), [], path);
  }
});

Deno.test("Each task's program exists", async () => {
  const lines = Object.values<string>(CONFIG.tasks);
  for (const file of lines.flatMap((line) => line.match(/\b(?:src|build|bench)\/[\w/]+\.ts\b/g) ?? [])) {
    assert((await Deno.stat(new URL(file, ROOT))).isFile, file);
  }
});

Deno.test("docs/qemu.md names no option that `scanout vhost-user --help` has not, and no subcommand that scanout has not", async () => {
  const text = prose(await read("docs/qemu.md"));
  const help = (await runScanout("vhost-user", "--help")).stdout.text;
  const known = help.match(/--[a-z][a-z-]*/g)!;
  const named = [...text.matchAll(/`(--[a-z][a-z-]*)/g)].map(([, option]) => option!);
  assert(named.length > 0);
  assertEquals(named.filter((option) => !known.includes(option) && !DENO_OPTION.test(option)), []);

  const { text: commands } = (await runScanout("--help")).stdout;
  const subcommands = [...text.matchAll(/`scanout ([a-z-]+)/g)].map(([, name]) => name!);
  assert(subcommands.length > 0);
  assertEquals(subcommands.filter((name) => !new RegExp(`^  ${name} `, "m").test(commands)), []);
});

Deno.test("docs/packages.md lists the entries of the package", async () => {
  const [, table] = /^## Entries\n(.*?)^## /ms.exec(await read("docs/packages.md"))!;
  const listed = [...table!.matchAll(/^\| `([^`]*)`/gm)].map(([, entry]) => entry);
  assertEquals(listed.sort(), [...Object.keys(CONFIG.exports), "./scanout.min.js"].sort());
});

Deno.test("Every link of the docs leads to a file of the project, and to a heading of it", async () => {
  for (const path of await docs()) {
    const links = [...prose(await read(path)).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)];
    for (const [link, target, anchor] of links) {
      const file = target === "" ? new URL(path, ROOT) : new URL(target!, new URL(path, ROOT));
      assert(await Deno.stat(file).then(() => true, () => false), `${path}: ${link}`);
      assert(anchor === undefined || anchorsOf(await Deno.readTextFile(file)).includes(anchor), `${path}: ${link}`);
    }
  }
});

/** The names that a text's headings have in links. */
function anchorsOf(text: string): string[] {
  const headings = [...prose(text).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!);
  return headings.map((heading) => heading.toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-"));
}
