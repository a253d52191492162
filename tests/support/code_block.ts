/** The first block of `language` under `heading` in a Markdown file, without its fences. Throws where there is none. */
export async function codeBlock(file: URL, heading: string, language: "ts" | "html" = "ts"): Promise<string> {
  const text = await Deno.readTextFile(file);
  const section = text.slice(text.indexOf(`\n${heading}\n`) + 1);
  const block = new RegExp("```" + language + "\\n(.*?)\\n```", "s").exec(section)?.[1];
  if (!text.includes(`\n${heading}\n`) || block === undefined) throw new Error(`There is no block under ${heading}`);
  return block;
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
