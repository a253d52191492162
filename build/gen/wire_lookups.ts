/** Writes the functions that say what is known of a command from its number, and the names of replies. */

import { hex, pascalCase } from "./names.ts";
import { body, docstring, functionHead } from "./source.ts";
import { type Command, commands, ctrlHdr, responses } from "../tables/wire.ts";

interface Lookup {
  readonly name: string;
  readonly returns: string;
  readonly doc: string;
  /** Source of the result for a command. */
  readonly result: (command: Command) => string;
  /** Source of the result for an unknown type. */
  readonly otherwise: string;
}

const rows: readonly Lookup[] = [
  {
    name: "commandSize",
    returns: "number",
    doc: "Bytes of a request of `type`, without what follows it; 0 when the type is unknown.",
    result: (command) => `${command.name}_SIZE`,
    otherwise: "0",
  },
  {
    name: "commandName",
    returns: "string",
    doc: "The specification's name of a request's type, or its number in hexadecimal.",
    result: (command) => `"${command.name}"`,
    otherwise: "`0x${type.toString(16)}`",
  },
  {
    name: "commandQueue",
    returns: "GpuQueue | undefined",
    doc: "The queue that a request of `type` belongs to; undefined when the type is unknown.",
    result: (command) => `GpuQueue.${pascalCase(command.queue)}`,
    otherwise: "undefined",
  },
  {
    name: "commandFeature",
    returns: "GpuFeature | undefined",
    doc: "The feature that a request of `type` needs; undefined when it needs none, or the type is unknown.",
    result: ({ feature }) => feature === undefined ? "undefined" : `GpuFeature.${pascalCase(feature)}`,
    otherwise: "undefined",
  },
  {
    name: "commandReply",
    returns: "ResponseType | undefined",
    doc: "The type of the reply to a request of `type` that succeeds; undefined when the type is unknown.",
    result: (command) => `ResponseType.Ok${pascalCase(command.reply)}`,
    otherwise: "undefined",
  },
  {
    name: "commandReplySize",
    returns: "number",
    doc: "Bytes of the reply to a request of `type` that succeeds, without what follows; 0 when the type is unknown.",
    result: (command) => command.reply === "NODATA" ? "CTRL_HDR_SIZE" : `RESP_${command.reply}_SIZE`,
    otherwise: "0",
  },
];

function family(command: Command): number {
  return command.type >>> 8;
}

/**
 * A switch over a command's type in `type`, with a dense one for each family, which V8 compiles to jump tables.
 * `result` is the source of what a command returns; commands that return the same share it, which keeps bundles small, and
 * those that return `otherwise`, like unknown ones, are left out.
 */
export function commandSwitch(result: (command: Command) => string, indent: string, otherwise?: string): string {
  const lines = ["switch (type >>> 8) {"];
  const known = commands.filter((command) => result(command) !== otherwise);
  for (const [number, members] of Map.groupBy(known, family)) {
    lines.push(`  case ${number}:`, "    switch (type) {");
    for (const [source, sharers] of Map.groupBy(members, result)) {
      lines.push(
        ...sharers.map(({ type, name }) => `      case ${hex(type)}: // ${name}`),
        `        return ${source};`,
      );
    }
    lines.push("    }", "    break;");
  }
  lines.push("}");
  return body(lines, indent);
}

function commandLookup({ name, returns, doc, result, otherwise }: Lookup): string {
  return docstring(`${doc} ${ctrlHdr.clause}.`) +
    functionHead(`export function ${name}`, ["type: number"], returns) +
    `${commandSwitch(result, "  ", otherwise)}  return ${otherwise};\n}\n`;
}

function responseName(): string {
  const doc = `The specification's name of a reply's type, or its number in hexadecimal. ${ctrlHdr.clause}.`;
  const cases = responses.flatMap(({ type, name }) => [`  case ${hex(type)}:`, `    return "${name}";`]);
  return docstring(doc) + functionHead("export function responseName", ["type: number"], "string") +
    body(["switch (type) {", ...cases, "}", "return `0x${type.toString(16)}`;"]) + "}\n";
}

/** Every lookup. */
export function lookups(): string {
  return [...rows.map(commandLookup), responseName()].join("\n");
}
