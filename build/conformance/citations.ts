/** One place that cites a clause or a seed row. */
export interface Citation {
  /** A clause's number as `5.7.6.8`, or a seed row's as `S4`. */
  readonly subject: string;
  /** The command that the citation is about, where the clause has many; else empty. */
  readonly command: string;
  /** The file, from the root. */
  readonly path: string;
  /** What cites: an exported name, or a test's name. */
  readonly name: string;
}

const CLAUSE = /Virtio 1\.4, ((?:\d+\.)+\d+(?:(?:, | and )(?:\d+\.)+\d+)*)(?: \(([A-Z_0-9]{4,})\))?/g;
/** `S4`, or `S14 to S17`. */
const SEED_ROWS = /\bS(\d{1,2})(?: to S(\d{1,2}))?\b/g;
const EXPORT = /^(?:export )?(?:default )?(?:abstract )?(?:async )?(?:function\*?|class|interface|const|type) (\w+)/;
const MEMBER = /^ {2}(?:readonly |static |async |get |set )*(#?\w+)[(:<]/;
const TEST = /(?:Deno\.test|\btest)\(\s*(?:"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g;
/** The clause in a test file's name: `set_scanout_5_7_6_8_test.ts`. */
const CLAUSE_IN_PATH = /_(\d+(?:_\d+)+)_test\.ts$/;
const COMMAND = /^(?:S\d+: )?([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)/;

/** The citations in a file of code: each belongs to the next definition below it, or to the table row that it stands in. */
export function citationsOfCode(path: string, text: string): Citation[] {
  const lines = text.split("\n");
  return lines.flatMap((line, index) =>
    subjectsOf(line).map(({ subject, command }) => ({ subject, command, path, name: nameBelow(lines, index) }))
  );
}

/** The citations in a file of tests: by a test's own name, and by the clause in the file's name. */
export function citationsOfTests(path: string, text: string): Citation[] {
  const inPath = CLAUSE_IN_PATH.exec(path)?.[1]?.replaceAll("_", ".");
  return [...text.matchAll(TEST)].flatMap((match) => {
    const name = (match[1] ?? match[2])!;
    const command = COMMAND.exec(name)?.[1] ?? "";
    const subjects = new Set(subjectsOf(name).map(({ subject }) => subject));
    const hasClause = [...subjects].some((subject) => !subject.startsWith("S"));
    if (inPath !== undefined && !hasClause) subjects.add(inPath);
    return [...subjects].map((subject) => ({ subject, command: subject.startsWith("S") ? "" : command, path, name }));
  });
}

function subjectsOf(line: string): { subject: string; command: string }[] {
  const clauses = [...line.matchAll(CLAUSE)].flatMap(([, numbers, command]) =>
    numbers!.split(/, | and /).map((subject) => ({ subject, command: command ?? "" }))
  );
  const rows = /\bseed S\d|^S\d/.test(line) ? [...line.matchAll(SEED_ROWS)] : [];
  const seed = rows.flatMap(([, first, last]) => range(Number(first), Number(last ?? first)));
  return [...clauses, ...seed.map((row) => ({ subject: `S${row}`, command: "" }))];
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function nameBelow(lines: readonly string[], index: number): string {
  for (const line of lines.slice(index, index + 12)) {
    const name = EXPORT.exec(line)?.[1] ?? MEMBER.exec(line)?.[1];
    if (name !== undefined) return name;
  }
  return "";
}
