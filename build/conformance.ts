/**
 * Writes docs/conformance.md from the citations in code and tests: each clause and seed row, the code that answers it, the
 * tests that show it. `deno task conformance`; `--check` compares instead.
 */
import { type Citation, citationsOfCode, citationsOfTests } from "./conformance/citations.ts";
import { clauses, seedRows } from "./tables/clauses.ts";

const TARGET = "docs/conformance.md";
const LAST_FULL_RUN = "docs/full_run.json";

/** What `deno task full` left of its last run. */
interface FullRun {
  readonly date: string;
  readonly command: string;
  readonly lines: readonly string[];
}

async function filesOf(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) paths.push(...await filesOf(path));
    else if (name.endsWith(".ts") && !name.endsWith(".gen.ts")) paths.push(path);
  }
  return paths.sort();
}

async function citations(folders: readonly string[], read: typeof citationsOfCode): Promise<Citation[]> {
  const paths = (await Promise.all(folders.map(filesOf))).flat();
  const texts = await Promise.all(paths.map((path) => Deno.readTextFile(path)));
  return paths.flatMap((path, index) => read(path, texts[index]!));
}

function rowsOf(code: readonly Citation[], tests: readonly Citation[]): string[] {
  const all = [...code, ...tests];
  const unknown = new Set(all.map(({ subject }) => subject).filter((subject) => titleOf(subject) === undefined));
  if (unknown.size > 0) throw new Error(`build/tables/clauses.ts has no title for ${[...unknown].join(", ")}`);
  const keys = new Set(all.map(keyOf));
  return [...keys].sort(bySubject).map((key) => {
    const [subject, command] = key.split(" ") as [string, string];
    const mine = (citation: Citation) => keyOf(citation) === key;
    const about = command === "" ? titleOf(subject) : command;
    return `| ${subject} | ${about} | ${codeCell(code.filter(mine))} | ${testCell(tests.filter(mine))} |`;
  });
}

function titleOf(subject: string): string | undefined {
  const title = clauses[subject] ?? seedRows[subject];
  const parent = subject.slice(0, Math.max(0, subject.lastIndexOf(".")));
  return title ?? (parent === "" ? undefined : titleOf(parent));
}

function keyOf({ subject, command }: Citation): string {
  return `${subject} ${command}`;
}

function bySubject(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

function codeCell(code: readonly Citation[]): string {
  const places = new Map<string, Set<string>>();
  for (const { path, name } of code) places.set(path, (places.get(path) ?? new Set()).add(name));
  return [...places].map(([path, names]) => {
    const list = [...names].filter((name) => name !== "").join(", ");
    return `[${path}](../${path})${list === "" ? "" : `: ${list}`}`;
  }).join("<br>");
}

function testCell(tests: readonly Citation[]): string {
  const counts = new Map<string, number>();
  for (const { path } of tests) counts.set(path, (counts.get(path) ?? 0) + 1);
  return [...counts].map(([path, count]) => `${count} in [${path}](../${path})`).join("<br>");
}

function lastRun(run: FullRun | undefined): string {
  if (run === undefined) return "`deno task full` has not been run yet.\n";
  return `\`${run.command}\`, ${run.date}:\n\n\`\`\`\n${run.lines.join("\n")}\n\`\`\`\n`;
}

async function page(): Promise<string> {
  const code = await citations(["src", "assembly"], citationsOfCode);
  const tests = await citations(["tests"], citationsOfTests);
  const isSeed = ({ subject }: Citation) => subject.startsWith("S");
  const isClause = (citation: Citation) => !isSeed(citation);
  const run = await Deno.readTextFile(LAST_FULL_RUN).then(JSON.parse, () => undefined);
  const head = "| subject | what | code | tests |\n| --- | --- | --- | --- |\n";
  return `# Conformance

Made by \`deno task conformance\` from the citations in code and tests. Virtio 1.4 is the standard; a count of tests is of
test definitions, some of which run over a table of cases.

## Departures

- 4.1.4.9: there is no PCI configuration access capability. It needs a hook on every access of the configuration space, which
  v86 does not have; no driver that we know uses it where the registers can be reached.
- 4.1.5.1.2: there is no MSI-X capability; interrupts are INTx.

## Last full run

${lastRun(run)}
## The kernel's blob-resource change

${head}${rowsOf(code.filter(isSeed), tests.filter(isSeed)).join("\n")}

## Virtio 1.4

${head}${rowsOf(code.filter(isClause), tests.filter(isClause)).join("\n")}
`;
}

if (import.meta.main) {
  const text = await page();
  if (!Deno.args.includes("--check")) {
    await Deno.writeTextFile(TARGET, text);
  } else if (await Deno.readTextFile(TARGET).catch(() => "") !== text) {
    console.error(`${TARGET} is not current: run deno task conformance`);
    Deno.exit(1);
  }
}
