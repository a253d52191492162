/** Writes `src/transport/vhost_user/vhost_user.gen.ts`. */

import { pascalCase } from "./names.ts";
import { banner, body, constant, docstring, groupSource, objectLiteral } from "./source.ts";
import { constants } from "./virtio.ts";
import { saturating } from "./wire.ts";
import { partReader } from "./wire_readers.ts";
import { partInterface, sizes } from "./wire_types.ts";
import { partWriter } from "./wire_writers.ts";
import type { Struct } from "../tables/struct.ts";
import {
  messageHeader,
  payloads,
  type Request,
  requests,
  vhostUserConstants,
  vhostUserGroups,
} from "../tables/vhost_user.ts";

const clause = "vhost-user, Front-end message types";

/** The size, the interface, the reader and the writer of each struct. */
export function structSources(structs: readonly Struct[]): string[] {
  return [
    structs.map((struct) => sizes(struct.name.toUpperCase(), struct, struct.clause)).join(""),
    ...structs.map(partInterface),
    ...structs.map(partReader),
    ...structs.map(partWriter),
  ];
}

function limits(): string {
  const payloadBytes = Math.max(...requests.map((request) => request.payloadBytes[1]));
  const fds = Math.max(...requests.map((request) => request.fds[1]));
  return constant("MAX_PAYLOAD_BYTES", payloadBytes, `Most bytes of a request's payload. ${clause}.`) +
    constant("MAX_MESSAGE_FDS", fds, `Most file descriptors that come with a request. ${clause}.`);
}

const rulesInterface = `${docstring(`What is known of a request before it is carried out. ${clause}.`)}\
export interface RequestRules {
  /** Its name in QEMU's documentation, after VHOST_USER_. */
  readonly name: string;
  /** Least bytes of its payload. */
  readonly leastPayloadBytes: number;
  /** Most bytes of its payload. */
  readonly mostPayloadBytes: number;
  /** Least file descriptors that come with it. */
  readonly leastFds: number;
  /** Most file descriptors that come with it. */
  readonly mostFds: number;
  /** Whether it has a reply of its own. */
  readonly hasReply: boolean;
  /** The protocol feature that must have been negotiated; undefined when it needs none. */
  readonly feature: ProtocolFeature | undefined;
}
`;

function rulesEntry({ name, payloadBytes, fds, hasReply, feature }: Request): string {
  const members = [
    `name: "${name}"`,
    `leastPayloadBytes: ${payloadBytes[0]}`,
    `mostPayloadBytes: ${payloadBytes[1]}`,
    `leastFds: ${fds[0]}`,
    `mostFds: ${fds[1]}`,
    `hasReply: ${hasReply}`,
    `feature: ${feature === undefined ? "undefined" : `ProtocolFeature.${pascalCase(feature)}`}`,
  ];
  return objectLiteral(`[FrontEndRequest.${pascalCase(name)}, `, members, "],", "  ");
}

function rules(): string {
  const doc =
    `The rules of requests of number \`request\`, any u32; undefined when it is none that is carried out. ${clause}.`;
  return `const RULES: ReadonlyMap<number, RequestRules> = new Map<number, RequestRules>([
${requests.map(rulesEntry).join("")}]);

${docstring(doc)}export function requestRules(request: number): RequestRules | undefined {
${body(["return RULES.get(request);"])}}
`;
}

/** The source of `src/transport/vhost_user/vhost_user.gen.ts`. */
export function vhostUserSource(): string {
  return [
    banner("The vhost-user protocol: numbers, rules, readers and writers.", "build/tables/vhost_user.ts"),
    constants(vhostUserConstants) + limits(),
    ...vhostUserGroups.map((group) => groupSource(group)),
    rulesInterface,
    rules(),
    saturating,
    ...structSources([messageHeader, ...payloads]),
  ].join("\n");
}
