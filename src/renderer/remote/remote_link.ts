import { SHARED_ACCOUNT_WORDS, SharedAccount } from "../../memory/shared_account.ts";
import type { RendererHost } from "../renderer.ts";
import { channelBytes, ChannelWord } from "./channel.ts";
import { type CompletionEvents, CompletionListener } from "./completion_listener.ts";
import { CompletionReader } from "./completion_reader.ts";
import type { RendererConnection } from "./connection.ts";
import { ForeignSender } from "./foreign_sender.ts";
import type { QuestionTable } from "./question_table.ts";
import { RemoteTransfers } from "./remote_transfers.ts";
import { RequestSender } from "./request_sender.ts";

/** What a device's side has once it is started. */
export interface RemoteLink {
  readonly host: RendererHost;
  /** The channel. */
  readonly words: Int32Array;
  /** The device's account, which both sides count in. */
  readonly account: SharedAccount;
  readonly sender: RequestSender;
  readonly listener: CompletionListener;
  readonly transfers: RemoteTransfers;
  readonly foreign: ForeignSender;
}

/** What a device's side is made of. */
export interface RemoteLinkParts {
  /** The device. */
  readonly host: RendererHost;
  /** Where the other side is. */
  readonly connection: RendererConnection;
  /** Called when the other side may sleep, besides the bell. */
  readonly wake: (() => void) | undefined;
  readonly questions: QuestionTable;
  readonly events: CompletionEvents;
}

/** Links a device to a renderer's side. Throws `TypeError` when the device's memory is not shared, or its account cannot be. */
export function linkRemote({ host, connection, wake, questions, events }: RemoteLinkParts): RemoteLink {
  const { channelAddress, ringBytes } = connection;
  const { buffer } = host.guest.bytes;
  if (buffer instanceof ArrayBuffer) throw new TypeError("Cannot start the renderer: the memory must be shared");
  if (host.account.share === undefined) throw new TypeError("Cannot start the renderer: the account must be shared");
  const words = new Int32Array(buffer, channelAddress, channelBytes(ringBytes) / 4);
  const accountWords = words.subarray(ChannelWord.Account, ChannelWord.Account + SHARED_ACCOUNT_WORDS);
  host.account.share(accountWords);
  const sender = new RequestSender(host, words, channelAddress, wake);
  return {
    host,
    words,
    account: new SharedAccount(accountWords, false),
    sender,
    listener: new CompletionListener(new CompletionReader(words), sender, questions, events),
    transfers: new RemoteTransfers(host, sender, questions),
    foreign: new ForeignSender(host, sender),
  };
}
