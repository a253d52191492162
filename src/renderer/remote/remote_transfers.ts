import type { SegmentList } from "../../memory/segment_list.ts";
import { LATER, type Outcome } from "../../protocol/outcome.ts";
import { type Reason, Reasons } from "../../protocol/reasons.ts";
import type { TransferFromHost3d, TransferToHost3d } from "../../protocol/wire.gen.ts";
import type { RendererHost } from "../renderer.ts";
import { RequestKind } from "./channel.ts";
import type { Question, QuestionTable } from "./question_table.ts";
import { outcomeOfNumber } from "./reason_numbers.ts";
import type { RemoteResource } from "./remote_resource.ts";
import type { RequestSender } from "./request_sender.ts";
import { putTransfer, TRANSFER_WORDS } from "./transfer_request.ts";
import { transferSpan } from "./transfer_span.ts";
import { writeChanges } from "./write_changes.ts";

/**
 * Transfers with a renderer on another thread. Guest pages are looked at on this thread alone: they may go away at any time
 * between two commands. Bytes for the renderer go along with the request; bytes from it come into a staging block.
 */
export class RemoteTransfers {
  readonly #host: RendererHost;
  readonly #sender: RequestSender;
  readonly #questions: QuestionTable;

  /** Transfers of the device that `host` stands for. */
  constructor(host: RendererHost, sender: RequestSender, questions: QuestionTable) {
    this.#host = host;
    this.#sender = sender;
    this.#questions = questions;
  }

  /**
   * Sends a box's bytes. Whether the renderer lets them pass is asked, unless it has let pass a transfer before that held this
   * one: then nobody waits.
   */
  toHost(command: TransferToHost3d, pages: SegmentList, resource: RemoteResource): Outcome {
    const asked = this.#questions.find(RequestKind.TransferToHost, command.resourceId);
    if (asked === undefined) return this.#send(command, pages, resource);
    if (!asked.isAnswered) return LATER;
    const refusal = this.#take(asked);
    if (refusal === undefined) resource.pass(command, pages.totalBytes);
    return refusal;
  }

  /**
   * Asks for a box's bytes, into a copy of the pages; what the renderer has changed there is then written into the pages.
   */
  fromHost(command: TransferFromHost3d, pages: SegmentList, resource: RemoteResource): Outcome {
    const asked = this.#questions.find(RequestKind.TransferFromHost, command.resourceId);
    if (asked === undefined) return this.#ask(command, pages, resource);
    if (!asked.isAnswered) return LATER;
    const refusal = this.#take(asked) ?? this.#writeBack(command, pages, asked);
    this.#sender.staging.release();
    return refusal;
  }

  #send(command: TransferToHost3d, pages: SegmentList, resource: RemoteResource): Outcome {
    const { totalBytes } = pages;
    const sizeBytes = spanOf(command, totalBytes, resource);
    if (!pages.resolve()) return Reasons.backingGone;
    const isSure = resource.isSureToPass(command, totalBytes);
    const token = this.#sender.newToken();
    const question = isSure ? undefined : this.#questions.ask(RequestKind.TransferToHost, command.resourceId, token);
    const outcome = this.#sender.beginWithBytes(RequestKind.TransferToHost, TRANSFER_WORDS + 1, sizeBytes, token);
    if (outcome !== undefined) {
      if (question !== undefined) this.#questions.drop(question);
      return outcome;
    }
    putTransfer(this.#sender, command, totalBytes, sizeBytes);
    this.#sender.put(isSure ? 1 : 0);
    const target = this.#sender.bytesAddress();
    this.#host.guest.kernels.gatherBytes(pages.segments, pages.segmentCount, command.offset, target, sizeBytes);
    this.#sender.publish();
    return isSure ? undefined : LATER;
  }

  #ask(command: TransferFromHost3d, pages: SegmentList, resource: RemoteResource): Outcome {
    const sizeBytes = spanOf(command, pages.totalBytes, resource);
    if (!pages.resolve()) return Reasons.backingGone;
    if (!this.#sender.hasRoom(TRANSFER_WORDS + 1)) return LATER;
    const token = this.#sender.newToken();
    const outcome = this.#sender.stage(Math.max(2 * sizeBytes, 1), token);
    if (outcome !== undefined) return outcome;
    const question = this.#questions.ask(RequestKind.TransferFromHost, command.resourceId, token)!;
    question.sizeBytes = sizeBytes;
    const { address } = this.#sender.staging;
    const { kernels } = this.#host.guest;
    for (const target of [address, address + sizeBytes]) {
      kernels.gatherBytes(pages.segments, pages.segmentCount, command.offset, target, sizeBytes);
    }
    this.#sender.begin(RequestKind.TransferFromHost, TRANSFER_WORDS + 1, token);
    putTransfer(this.#sender, command, pages.totalBytes, sizeBytes);
    this.#sender.put(address);
    this.#sender.publish();
    return LATER;
  }

  #writeBack({ offset }: TransferFromHost3d, pages: SegmentList, { sizeBytes }: Question): Reason | undefined {
    if (!pages.resolve()) return Reasons.backingGone;
    const { address } = this.#sender.staging;
    const isWritten = writeChanges(this.#host.guest, pages, offset, address, address + sizeBytes, sizeBytes);
    return isWritten ? undefined : Reasons.boxOutsideBacking;
  }

  #take(asked: Question): Reason | undefined {
    this.#questions.drop(asked);
    return outcomeOfNumber(asked.outcome);
  }
}

function spanOf(command: TransferToHost3d | TransferFromHost3d, totalBytes: number, resource: RemoteResource): number {
  return transferSpan(command, totalBytes, resource.widthOf(command.level), resource.heightOf(command.level));
}
