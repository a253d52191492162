/** Writes the sizes, the offsets and the interfaces of the structs. */

import { interfaceName, isBytes, properties } from "./fields.ts";
import { pascalCase } from "./names.ts";
import { constant, docstring } from "./source.ts";
import { isPadding, type Struct } from "../tables/struct.ts";
import { commands, config, ctrlHdr, memEntry, parts, responses } from "../tables/wire.ts";

const replies = responses.filter((response) => response.struct !== ctrlHdr);

/** The size of a struct, and the offsets of what readers leave in place. */
export function sizes(prefix: string, struct: Struct, clause: string): string {
  const lines = [constant(`${prefix}_SIZE`, struct.sizeBytes, `Size in bytes of \`${struct.cName}\`. ${clause}.`)];
  for (const field of struct.fields.filter((candidate) => isBytes(candidate) && !isPadding(candidate))) {
    const name = `${prefix}_${field.name.toUpperCase()}`;
    lines.push(constant(`${name}_OFFSET`, field.offset, `Offset in bytes of \`${field.name}\`. ${clause}.`));
    lines.push(constant(`${name}_BYTES`, field.count, `Bytes that \`${field.name}\` has room for. ${clause}.`));
  }
  if (struct.trailing !== undefined) {
    const name = `${prefix}_${struct.trailing.toUpperCase()}_OFFSET`;
    lines.push(constant(name, struct.sizeBytes, `Offset in bytes of what follows, \`${struct.trailing}\`. ${clause}.`));
  }
  return lines.join("");
}

/** The offset of every field. */
function offsets(struct: Struct): string {
  const fields = struct.fields.filter((field) => !isPadding(field));
  return fields.map((field) => {
    const name = `${struct.name}_${field.name}_OFFSET`.toUpperCase();
    const doc = field.doc === undefined ? "" : ` ${field.doc}`;
    return constant(name, field.offset, `Offset in bytes of \`${field.name}\`.${doc} ${struct.clause}.`);
  }).join("");
}

/** Every size and offset constant. */
export function sizeConstants(): string {
  const largest = Math.max(...commands.map((command) => command.request.sizeBytes));
  const largestDoc = `Size in bytes of the largest request, without what follows it. ${ctrlHdr.clause}.`;
  return [
    ...[ctrlHdr, ...parts].map((part) => sizes(part.name.toUpperCase(), part, part.clause)),
    offsets(memEntry),
    sizes("CONFIG", config, config.clause),
    offsets(config),
    ...commands.map((command) => sizes(command.name, command.request, command.clause)),
    constant("MAX_COMMAND_SIZE", largest, largestDoc),
    ...replies.map((response) => sizes(response.struct.name.toUpperCase(), response.struct, response.clause)),
  ].join("");
}

function members(struct: Struct): string {
  return properties(struct)
    .map((property) => `${docstring(property.doc, "  ")}  ${property.name}: ${property.type};\n`)
    .join("");
}

/** The interface of a struct that is no message. */
export function partInterface(struct: Struct): string {
  return docstring(`${struct.doc} ${struct.clause}.`) +
    `export interface ${interfaceName(struct)} {\n${members(struct)}}\n`;
}

function messageInterface(name: string, type: string, struct: Struct, doc: string): string {
  return docstring(doc) + `export interface ${name} extends CtrlHdr {
  /** Says which message this is. */
  type: typeof ${type};
${members(struct)}}
`;
}

function commandInterfaces(): string[] {
  return commands.map(({ name, request, doc, clause }) => {
    const type = pascalCase(name);
    return messageInterface(type, `CommandType.${type}`, request, `${doc} ${clause} (${name}).`);
  });
}

function replyInterfaces(): string[] {
  return replies.map(({ name, struct, doc, clause }) => {
    const type = `ResponseType.${pascalCase(name)}`;
    return messageInterface(interfaceName(struct), type, struct, `${doc} ${clause} (${name}).`);
  });
}

/** Every interface, and the union of the commands. */
export function interfaces(): string {
  const union = commands.map((command) => `\n  | ${pascalCase(command.name)}`).join("");
  return [
    partInterface(ctrlHdr),
    ...parts.map(partInterface),
    ...commandInterfaces(),
    ...replyInterfaces(),
    `${docstring(`Any command. ${ctrlHdr.clause}.`)}export type Command =${union};\n`,
    docstring(`What a writer needs: a message's own fields, and the header's that are not 0. ${ctrlHdr.clause}.`) +
    'export type Fields<Message extends CtrlHdr> = Omit<Message, keyof CtrlHdr> & Partial<Omit<CtrlHdr, "type">>;\n',
  ].join("\n");
}
