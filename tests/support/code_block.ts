/** A fenced block of a Markdown file, without its fences. */
export interface CodeBlock {
  /** The line of the heading above it, `#` included; empty when there is none. */
  readonly heading: string;
  /** What stands behind the fence; empty when nothing does. */
  readonly language: string;
  /** How many blocks of this language stand before it under its heading. */
  readonly index: number;
  readonly text: string;
}

/** All fenced blocks of a Markdown file. Throws `Error` where a fence has no end. */
export async function codeBlocks(file: URL): Promise<CodeBlock[]> {
  const blocks: CodeBlock[] = [];
  const lines = (await Deno.readTextFile(file)).split("\n");
  let heading = "";
  for (let at = 0; at < lines.length; at++) {
    if (/^#+ /.test(lines[at]!)) heading = lines[at]!;
    const [, fence, language = ""] = /^\s*(`{3,}|~{3,})\s*(.*)$/.exec(lines[at]!) ?? [];
    if (fence === undefined) continue;
    const end = lines.findIndex((line, index) => index > at && line.trim() === fence);
    if (end < 0) throw new Error(`The block under ${heading} has no end`);
    const index = blocks.filter((block) => block.heading === heading && block.language === language).length;
    blocks.push({ heading, language, index, text: lines.slice(at + 1, end).join("\n") });
    at = end;
  }
  return blocks;
}

/**
 * The block of `language` under `heading` in a Markdown file: the first, or the one behind `index` others of its kind.
 * Throws `Error` where there is none. tests/docs/code_blocks_test.ts reads from the calls which blocks are tested, so
 * their arguments are literals or constants of the same file.
 */
export async function codeBlock(file: URL, heading: string, language = "ts", index = 0): Promise<string> {
  const found = (await codeBlocks(file)).find((block) =>
    block.heading === heading && block.language === language && block.index === index
  );
  if (found === undefined) throw new Error(`There is no block ${index} of ${language} under ${heading}`);
  return found.text;
}

let count = 0;

/**
 * Runs a block as a module of this project, so that its imports mean what a user's mean. It sees `given` as variables;
 * the result has its own variables called `wanted`.
 */
export async function runBlock<T>(block: string, given: Record<string, unknown>, wanted: string[]): Promise<T> {
  const key = `block${count++}`;
  const names = Object.keys(given);
  (globalThis as Record<string, unknown>)[key] = given;
  const folder = new URL("../../out/", import.meta.url);
  await Deno.mkdir(folder, { recursive: true });
  const path = new URL(`${key}-${Deno.pid}.ts`, folder);
  const preamble = names.length === 0 ? "" : `const { ${names.join(", ")} } = (globalThis as any).${key};\n`;
  await Deno.writeTextFile(path, `${preamble}${block}\nexport { ${wanted.join(", ")} };\n`);
  try {
    return await import(path.href);
  } finally {
    await Deno.remove(path);
  }
}
