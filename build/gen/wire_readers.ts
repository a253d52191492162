/** Writes the readers: straight-line code that fills a record from 32-bit words. */

import { initialMembers, interfaceName, propertyFields, propertyName, wordAt } from "./fields.ts";
import { camelCase, pascalCase } from "./names.ts";
import { body, docstring, functionHead, objectLiteral } from "./source.ts";
import { commandSwitch } from "./wire_lookups.ts";
import type { PlacedField, Struct } from "../tables/struct.ts";
import { type Command, ctrlHdr, type Response } from "../tables/wire.ts";

const place = ["words: Uint32Array", "wordIndex: number"];

/** The statements that fill `into` with the fields of `struct`, which begins at the word `at`. */
function fill(struct: Struct, into: string, at = "wordIndex", base = 0): string[] {
  return propertyFields(struct).flatMap((field) =>
    fillField(field, `${into}.${propertyName(field)}`, at, base + field.offset)
  );
}

function fillField(field: PlacedField, target: string, at: string, offset: number): string[] {
  if (field.kind === "struct") return fillNested(field, target, at, offset);
  if (field.kind === "id64") {
    return [`${target}Low = ${wordAt(at, offset)}!;`, `${target}High = ${wordAt(at, offset + 4)}!;`];
  }
  if (field.kind === "u64") return [`${target} = u64(${wordAt(at, offset)}!, ${wordAt(at, offset + 4)}!);`];
  if (field.kind === "u8") return [`${target} = ${wordAt(at, offset)}! & 0xff;`];
  if (field.kind === "i32") return [`${target} = ${wordAt(at, offset)}! | 0;`];
  if (field.count === 1) return [`${target} = ${wordAt(at, offset)}!;`];
  return Array.from({ length: field.count }, (_, i) => `${target}[${i}] = ${wordAt(at, offset + 4 * i)}!;`);
}

function fillNested(field: PlacedField, target: string, at: string, offset: number): string[] {
  const struct = field.struct!;
  if (field.count === 1) return fill(struct, target, at, offset);
  return [
    `for (let i = 0; i < ${field.count}; i++) {`,
    `  const at = ${at} + ${offset / 4} + i * ${struct.sizeBytes / 4};`,
    `  const one = ${target}[i]!;`,
    ...fill(struct, "one", "at").map((line) => `  ${line}`),
    "}",
  ];
}

const headerLines = fill(ctrlHdr, "into");
const headerLinesWithoutType = headerLines.filter((line) => !line.startsWith("into.type "));
const headerMembersWithoutType = initialMembers(ctrlHdr).filter((member) => !member.startsWith("type:"));

/** The reader of the header alone. */
export function headerReader(): string {
  const doc = `Fills \`into\` with the header at \`words[wordIndex]\`, of a message of any type. ${ctrlHdr.clause}.`;
  return docstring(doc) + functionHead("export function readCtrlHdr", [...place, "into: CtrlHdr"], "CtrlHdr") +
    `${body(headerLines)}  return into;\n}\n`;
}

/** The reader of a struct that is no message. */
export function partReader(struct: Struct): string {
  const name = interfaceName(struct);
  const doc = `Reads the \`${struct.cName}\` at \`words[wordIndex]\` into a new record. ${struct.clause}.`;
  return docstring(doc) + functionHead(`export function read${name}`, place, name) +
    objectLiteral(`const into: ${name} = `, initialMembers(struct), ";", "  ") +
    `${body(fill(struct, "into"))}  return into;\n}\n`;
}

/** The reader of a reply; the guest's side may allocate. */
export function responseReader(response: Response): string {
  const name = interfaceName(response.struct);
  const doc = `Reads the ${response.name} reply at \`words[wordIndex]\` into a new record. ${response.clause}.`;
  const type = `type: ResponseType.${pascalCase(response.name)}`;
  const members = [type, ...headerMembersWithoutType, ...initialMembers(response.struct)];
  return docstring(doc) + functionHead(`export function read${name}`, place, name) +
    objectLiteral(`const into: ${name} = `, members, ";", "  ") +
    `${body([...headerLinesWithoutType, ...fill(response.struct, "into")])}  return into;\n}\n`;
}

function commandReader(command: Command): string {
  const name = pascalCase(command.name);
  return functionHead(`function read${name}`, [...place, `into: ${name}`], name) +
    `${body([...headerLinesWithoutType, ...fill(command.request, "into")])}  return into;\n}\n`;
}

/** The readers of the commands and the class that owns their records. */
export function commandReaders(commands: readonly Command[]): string {
  const records = commands.map(({ name, request }) => {
    const type = `type: CommandType.${pascalCase(name)}`;
    const members = [type, ...headerMembersWithoutType, ...initialMembers(request)];
    return objectLiteral(`readonly #${camelCase(name)}: ${pascalCase(name)} = `, members, ";", "  ");
  });
  const result = ({ name }: Command) => `read${pascalCase(name)}(words, wordIndex, this.#${camelCase(name)})`;
  return `${commands.map(commandReader).join("\n")}
/**
 * Reads commands into records that it owns, one for each type, so that reading allocates nothing. ${ctrlHdr.clause}.
 * A record is valid until the next command of its type is read.
 */
export class CommandReader {
${records.join("")}
  /**
   * The command at \`words[wordIndex]\`, or undefined when its type is unknown. ${ctrlHdr.clause}.
   * \`words\` must hold MAX_COMMAND_SIZE bytes from there, whatever the command's size, with zeroes for what the guest
   * did not send: whether it sent enough is for the caller to compare with \`commandSize\`.
   */
  read(words: Uint32Array, wordIndex: number): Command | undefined {
    const type = words[wordIndex]!;
${commandSwitch(result, "    ")}    return undefined;
  }
}
`;
}
