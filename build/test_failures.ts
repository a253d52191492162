const MAX_LINES = 200;
const MAX_LINE_CHARACTERS = 500;
const PASSED = / \.\.\. ok \(.*\)$|^running \d+ tests? from /;

/**
 * What the output of `deno test`, or of another program that has failed, says of the failure: the errors, the names and the
 * summary, without the tests that have passed. It is at most 200 lines; what is left out lies in their middle.
 */
export function failuresOf(output: string): string {
  const errors = output.search(/^ ERRORS $/m);
  const lines = output.slice(Math.max(errors, 0)).trimEnd().split("\n")
    .filter((line) => !PASSED.test(line))
    .map((line) => line.length <= MAX_LINE_CHARACTERS ? line : `${line.slice(0, MAX_LINE_CHARACTERS)} …`);
  const leftOut = lines.length - MAX_LINES;
  if (leftOut > 0) lines.splice(MAX_LINES / 2, leftOut, `… ${leftOut} lines …`);
  return lines.join("\n");
}
