/** Writes the writers: straight-line code that stores a record as 32-bit words. */

import { interfaceName, isBytes, propertyName, wordAt } from "./fields.ts";
import { pascalCase } from "./names.ts";
import { body, docstring, functionHead } from "./source.ts";
import { isPadding, type PlacedField, type Struct } from "../tables/struct.ts";
import { type Command, ctrlHdr, type Response } from "../tables/wire.ts";

/** The source of a property's value. */
type Source = (property: string) => string;

function membersOf(record: string): Source {
  return (property) => `${record}.${property}`;
}

/** The statements that store a record as `struct`, which begins at the word `at`; padding and byte arrays become zero. */
function store(struct: Struct, source: Source, at = "wordIndex", base = 0): string[] {
  return struct.fields
    .filter((field) => field.name !== "hdr")
    .flatMap((field) => storeField(field, source, at, base + field.offset));
}

function storeField(field: PlacedField, source: Source, at: string, offset: number): string[] {
  const name = propertyName(field);
  if (isPadding(field)) return field.kind === "u8" ? [] : [`${wordAt(at, offset)} = 0;`]; // the u8 before it stores all
  if (isBytes(field)) return [`words.fill(0, ${at} + ${offset / 4}, ${at} + ${(offset + field.count) / 4});`];
  if (field.kind === "struct") return storeNested(field, source(name), at, offset);
  if (field.kind === "id64") {
    return [
      `${wordAt(at, offset)} = ${source(`${name}Low`)};`,
      `${wordAt(at, offset + 4)} = ${source(`${name}High`)};`,
    ];
  }
  if (field.kind === "u64") {
    return [`${wordAt(at, offset)} = ${source(name)};`, `${wordAt(at, offset + 4)} = ${source(name)} / 4294967296;`];
  }
  if (field.kind === "u8") return [`${wordAt(at, offset)} = ${source(name)} & 0xff;`];
  if (field.count === 1) return [`${wordAt(at, offset)} = ${source(name)};`];
  return Array.from({ length: field.count }, (_, i) => `${wordAt(at, offset + 4 * i)} = ${source(name)}[${i}]!;`);
}

function storeNested(field: PlacedField, record: string, at: string, offset: number): string[] {
  const struct = field.struct!;
  if (field.count === 1) return store(struct, membersOf(record), at, offset);
  return [
    `for (let i = 0; i < ${field.count}; i++) {`,
    `  const at = ${at} + ${offset / 4} + i * ${struct.sizeBytes / 4};`,
    `  const one = ${record}[i]!;`,
    ...store(struct, membersOf("one"), "at").map((line) => `  ${line}`),
    "}",
  ];
}

function parameters(last: string): string[] {
  return ["words: Uint32Array", "wordIndex: number", last];
}

/** The writer of the header alone, and the one that messages use. */
export function headerWriter(): string {
  const doc =
    `Writes a header and returns its size in bytes; it is the whole of a reply without data. ${ctrlHdr.clause}.`;
  const optional: Source = (property) => property === "type" ? "type" : `(header.${property} ?? 0)`;
  return docstring(doc) + functionHead("export function writeCtrlHdr", parameters("header: CtrlHdr"), "number") +
    `${body(store(ctrlHdr, membersOf("header")))}  return CTRL_HDR_SIZE;\n}\n
function writeHeader(words: Uint32Array, wordIndex: number, type: number, header: Partial<CtrlHdr>): void {
${body(store(ctrlHdr, optional))}}
`;
}

/** The writer of a struct that is no message. */
export function partWriter(struct: Struct): string {
  const name = interfaceName(struct);
  const doc = `Writes a \`${struct.cName}\` at \`words[wordIndex]\` and returns its size in bytes. ${struct.clause}.`;
  return docstring(doc) + functionHead(`export function write${name}`, parameters(`fields: ${name}`), "number") +
    `${body(store(struct, membersOf("fields")))}  return ${struct.name.toUpperCase()}_SIZE;\n}\n`;
}

function messageWriter(name: string, struct: Struct, type: string, size: string, doc: string): string {
  return docstring(doc) +
    functionHead(`export function write${name}`, parameters(`fields: Fields<${name}>`), "number") +
    `  writeHeader(words, wordIndex, ${type}, fields);\n${
      body(store(struct, membersOf("fields")))
    }  return ${size};\n}\n`;
}

/** What a writer leaves to its caller. */
function remainder(struct: Struct): string {
  const zeroed = struct.fields.filter((field) => isBytes(field) && !isPadding(field));
  const sentences = zeroed.map((field) => ` \`${field.name}\` is zeroed.`);
  if (struct.trailing !== undefined) sentences.push(` What follows, \`${struct.trailing}\`, is the caller's.`);
  return sentences.join("");
}

/** The writer of one request. */
export function commandWriter(command: Command): string {
  const { name, request, clause } = command;
  const doc = `Writes a ${name} request and returns its size in bytes.${remainder(request)} ${clause}.`;
  return messageWriter(pascalCase(name), request, `CommandType.${pascalCase(name)}`, `${name}_SIZE`, doc);
}

/** The writer of whatever command it is given. */
export function anyCommandWriter(commands: readonly Command[]): string {
  const doc =
    `Writes any request and returns its size in bytes: the inverse of \`CommandReader.read\`. ${ctrlHdr.clause}.`;
  const cases = commands.flatMap(({ name }) => [
    `  case CommandType.${pascalCase(name)}:`,
    `    return write${pascalCase(name)}(words, wordIndex, command);`,
  ]);
  return docstring(doc) + functionHead("export function writeCommand", parameters("command: Command"), "number") +
    `${body(["switch (command.type) {", ...cases, "}"])}}\n`;
}

/** The writer of one reply. */
export function responseWriter(response: Response): string {
  const { name, struct, clause } = response;
  const doc = `Writes an ${name} reply and returns its size in bytes.${remainder(struct)} ${clause}.`;
  const size = `${struct.name.toUpperCase()}_SIZE`;
  return messageWriter(interfaceName(struct), struct, `ResponseType.${pascalCase(name)}`, size, doc);
}
