/**
 * Compares the tables with the C headers of Linux, as a compiler sees them: `deno run -A build/wire_header.ts`.
 *
 * The result is kept in `tests/golden/wire_header.json`, which says which header it was; what that header does not have
 * yet stands under `newer` with its clause. `--update` rewrites it. Without a compiler or headers there is nothing to
 * compare, and that is no error.
 */

import type { Struct } from "./tables/struct.ts";
import { mmioConstants, pciConstants, pciStructs, ringConstants, ringStructs, virtioGroups } from "./tables/virtio.ts";
import { commands, config, ctrlHdr, parts, responses } from "./tables/wire.ts";
import { constants, groups } from "./tables/wire_values.ts";

/** What a name stands for: a number, the size of a struct, or the offset and the size of a field. */
export type Fact = number | readonly [offset: number, sizeBytes: number];

/** A fact with the clause that states it. */
export interface Stated {
  readonly value: Fact;
  readonly clause: string;
}

/** The file that keeps the last comparison. */
export interface Golden {
  /** The package and version of the headers. */
  readonly header: string;
  /** What the headers and the tables agree on, by its C name; a field is `struct.field`. */
  readonly facts: Record<string, Fact>;
  /** What the tables have and the headers have not. */
  readonly newer: Record<string, Stated>;
  /** The names of virtio_gpu.h that the tables have not. */
  readonly missing: readonly string[];
}

/** Where the golden file is. */
export const goldenUrl = new URL("../tests/golden/wire_header.json", import.meta.url);

const includes = ["gpu", "ids", "config", "ring", "pci", "mmio"].map((name) => `#include <linux/virtio_${name}.h>\n`)
  .join("");

/** Every struct of the tables that a header has a name for, once. */
function structs(): Struct[] {
  const all = [ctrlHdr, ...parts, config, ...commands.map((command) => command.request)];
  all.push(...responses.map((response) => response.struct), ...ringStructs, ...pciStructs);
  return all.filter((struct, i) => i === all.findIndex((other) => other.cName === struct.cName));
}

/** Everything the tables say that a header may say too, by its C name. */
export function tableFacts(): Map<string, Stated> {
  const facts = new Map<string, Stated>();
  for (const { cName, fields, sizeBytes, clause } of structs()) {
    facts.set(cName, { value: sizeBytes, clause });
    for (const field of fields) {
      facts.set(`${cName}.${field.cName ?? field.name}`, { value: [field.offset, field.sizeBytes], clause });
    }
  }
  for (const { name, type, clause } of commands) facts.set(`VIRTIO_GPU_CMD_${name}`, { value: type, clause });
  for (const { name, type, clause } of responses) facts.set(`VIRTIO_GPU_RESP_${name}`, { value: type, clause });
  for (const group of [...groups, ...virtioGroups]) {
    for (const { name, value, cName = `${group.cPrefix}${name}` } of group.members) {
      if (cName !== null) facts.set(cName, { value, clause: group.clause });
    }
  }
  for (const { cName, value, clause } of [...constants, ...ringConstants, ...pciConstants, ...mmioConstants]) {
    if (cName !== undefined) facts.set(cName, { value, clause });
  }
  return facts;
}

async function output(command: string, args: string[], input = ""): Promise<string | undefined> {
  try {
    const child = new Deno.Command(command, { args, stdin: "piped", stdout: "piped", stderr: "null" }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
    const { success, stdout } = await child.output();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The headers without comments, macros included; undefined without a compiler or without the headers. */
export function preprocess(): Promise<string | undefined> {
  return output("cc", ["-E", "-dD", "-P", "-"], includes);
}

async function headerVersion(): Promise<string> {
  const installed = await output("dpkg-query", ["-W", "-f", "${Version}", "linux-libc-dev"]);
  if (installed !== undefined) return `linux-libc-dev ${installed}`;
  const code = await output("cc", ["-E", "-P", "-"], "#include <linux/version.h>\nLINUX_VERSION_CODE\n");
  const number = Number(code);
  return `Linux ${number >>> 16}.${(number >>> 8) & 0xff}.${number & 0xff}`;
}

/** What stands between the braces of a struct; nothing when the headers do not define it. */
function bodyOf(headers: string, struct: string): string {
  const start = headers.indexOf(`struct ${struct} {`);
  if (start < 0) return "";
  let depth = 0;
  for (let at = headers.indexOf("{", start); at < headers.length; at++) {
    if (headers[at] === "{") depth++;
    if (headers[at] === "}" && --depth === 0) return headers.slice(start, at);
  }
  return "";
}

/** Whether the headers have the name of a fact; a field counts only inside its own struct. */
function isIn(headers: string, name: string): boolean {
  const [struct, field] = name.split(".");
  const where = field === undefined ? headers : bodyOf(headers, struct!);
  return new RegExp(`\\b${field ?? name}\\b`).test(where);
}

/** A C program that prints what each name stands for, one line each. */
function program(names: readonly string[], structNames: ReadonlySet<string>): string {
  const lines = names.map((name) => {
    const [struct, field] = name.split(".");
    if (field !== undefined) {
      const size = `sizeof(((struct ${struct} *)0)->${field})`;
      return `printf("${name} %zu %zu\\n", offsetof(struct ${struct}, ${field}), ${size});`;
    }
    if (structNames.has(name)) return `printf("${name} %zu\\n", sizeof(struct ${name}));`;
    return `printf("${name} %llu\\n", (unsigned long long)(${name}));`;
  });
  return `#include <stddef.h>\n#include <stdio.h>\n${includes}int main(void) {\n${lines.join("\n")}\nreturn 0;\n}\n`;
}

async function measure(names: readonly string[]): Promise<Map<string, Fact>> {
  const directory = await Deno.makeTempDir();
  try {
    const binary = `${directory}/facts`;
    const structNames = new Set(structs().map((struct) => struct.cName));
    const compiled = await output("cc", ["-x", "c", "-", "-o", binary], program(names, structNames));
    const printed = compiled === undefined ? undefined : await output(binary, []);
    if (printed === undefined) throw new Error("Cannot measure the headers: the compiler refused the program");
    return new Map(
      printed.trim().split("\n").map((line) => {
        const [name, first, second] = line.split(" ");
        return [name!, second === undefined ? Number(first) : [Number(first), Number(second)]];
      }),
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** The names that virtio_gpu.h defines for its users and the tables lack; 0 is no command. */
function missingNames(headers: string, facts: ReadonlyMap<string, Stated>): string[] {
  const names = new Set(headers.match(/\b(VIRTIO_GPU_\w+|(?<=struct )virtio_gpu_\w+)/g));
  return [...names].filter((name) => !facts.has(name) && !["VIRTIO_GPU_HW_H", "VIRTIO_GPU_UNDEFINED"].includes(name));
}

/** The comparison of the tables with this machine's headers; undefined where there are none. */
export async function compare(): Promise<{ golden: Golden; differences: string[] } | undefined> {
  const headers = await preprocess();
  if (headers === undefined) return undefined;
  const stated = tableFacts();
  // a struct with a field that the headers lack has another size there
  const newerFields = [...stated.keys()].filter((name) => name.includes(".") && !isIn(headers, name));
  const grown = new Set(newerFields.map((name) => name.split(".")[0]!));
  const names = [...stated.keys()].filter((name) => isIn(headers, name) && !grown.has(name));
  const facts = await measure(names);
  const differences = names
    .filter((name) => JSON.stringify(facts.get(name)) !== JSON.stringify(stated.get(name)!.value))
    .map((name) => `${name}: the header has ${facts.get(name)}, the table ${stated.get(name)!.value}`);
  const newer = [...stated].filter(([name]) => !facts.has(name));
  const golden = {
    header: await headerVersion(),
    facts: Object.fromEntries(facts),
    newer: Object.fromEntries(newer),
    missing: missingNames(headers, stated),
  };
  return { golden, differences };
}

/** One fact a line. */
function text(golden: Golden): string {
  const entries = (record: object) =>
    Object.entries(record).map(([name, value]) => `    ${JSON.stringify(name)}: ${JSON.stringify(value)}`).join(",\n");
  return `{
  "header": ${JSON.stringify(golden.header)},
  "facts": {
${entries(golden.facts)}
  },
  "newer": {
${entries(golden.newer)}
  },
  "missing": ${JSON.stringify(golden.missing)}
}
`;
}

async function main(): Promise<number> {
  const comparison = await compare();
  if (comparison === undefined) {
    console.log("no C compiler or no Linux headers: nothing compared");
    return 0;
  }
  const { golden, differences } = comparison;
  for (const difference of differences) console.error(difference);
  for (const name of golden.missing) console.log(`${golden.header} has ${name}, the tables have not`);
  if (differences.length > 0) return 1;
  console.log(`${Object.keys(golden.facts).length} facts agree with ${golden.header}`);
  if (Deno.args.includes("--update")) {
    await Deno.writeTextFile(goldenUrl, text(golden));
    return 0;
  }
  const kept = await Deno.readTextFile(goldenUrl);
  if ((JSON.parse(kept) as Golden).header !== golden.header || kept === text(golden)) return 0;
  console.error("tests/golden/wire_header.json differs: look at it with --update and git diff");
  return 1;
}

if (import.meta.main) Deno.exit(await main());
