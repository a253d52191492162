// Every fenced block of the docs has a test that runs it, or holds what it says against the project.

import { assertEquals } from "@std/assert";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { codeBlocks } from "../support/code_block.ts";

const ROOT = new URL("../../", import.meta.url);
const DOCS = /^(README\.md|docs\/.*\.md|examples\/.*README\.md)$/;
const TESTS = /_test\.ts$/;
const FOLDERS = ["docs/", "examples/", "tests/"];

Deno.test("Every code block of the docs is read by a test, and no test reads one that is not there", async () => {
  const files = ["README.md", ...(await Promise.all(FOLDERS.map(filesUnder))).flat()];
  const blocks = await Promise.all(files.filter((path) => DOCS.test(path)).map(blocksOf));
  const calls = await Promise.all(files.filter((path) => TESTS.test(path)).map(callsOf));

  assertEquals([...new Set(calls.flat())].sort(), blocks.flat().sort());
});

/** The paths of all files in a folder, from the root of the project. */
async function filesUnder(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
    if (isDirectory) paths.push(...await filesUnder(`${folder}${name}/`));
    else paths.push(folder + name);
  }
  return paths;
}

function nameOf(file: URL, heading: string, language: string, index: string | number): string {
  return `${relative(fileURLToPath(ROOT), fileURLToPath(file))}: ${heading}: ${language || "text"} ${index}`;
}

async function blocksOf(path: string): Promise<string[]> {
  const file = new URL(path, ROOT);
  return (await codeBlocks(file)).map(({ heading, language, index }) => nameOf(file, heading, language, index));
}

/** The blocks that a test asks `codeBlock` for. A call that cannot be read is named as it is, and is no block. */
async function callsOf(path: string): Promise<string[]> {
  const file = new URL(path, ROOT);
  const source = (await Deno.readTextFile(file)).replaceAll(/^\s*\/\/.*$/gm, "");
  return [...source.matchAll(/\bcodeBlock\(((?:"[^"]*"|[^")])*)\)/g)].map(([call, args]) => {
    const read = /^\s*([A-Z]\w*),\s*("[^"]*"|[A-Z]\w*)(?:,\s*"(\w*)"(?:,\s*(\d+))?)?,?\s*$/.exec(args!);
    if (read === null) return `${path}: ${call}`;
    const [, doc, heading, language = "ts", index = "0"] = read;
    return nameOf(urlOf(source, doc!, file), textOf(source, heading!), language, index);
  });
}

/** What `new URL("…", base)` in `const NAME = …` gives. */
function urlOf(source: string, name: string, file: URL): URL {
  if (name === "import.meta.url") return file;
  const [, path, base] = new RegExp(`const ${name} = new URL\\("([^"]*)", ([\\w.]+)\\);`).exec(source)!;
  return new URL(path!, urlOf(source, base!, file));
}

/** The text of a literal, or of the constant that stands for one. */
function textOf(source: string, value: string): string {
  if (value.startsWith('"')) return JSON.parse(value);
  return new RegExp(`const ${value} = "([^"]*)";`).exec(source)![1]!;
}
