import { Completion, RequestKind } from "./channel.ts";
import type { CompletionReader } from "./completion_reader.ts";
import type { QuestionTable } from "./question_table.ts";
import type { RequestSender } from "./request_sender.ts";

/** What the renderer's side says without being asked. */
export interface CompletionEvents {
  fenceDone(slot: number): void;
  fenceRefused(slot: number): void;
  contextLost(contextId: number): void;
}

/** Hears what the renderer's side says, for the device's side. */
export class CompletionListener {
  readonly #completions: CompletionReader;
  readonly #sender: RequestSender;
  readonly #questions: QuestionTable;
  readonly #events: CompletionEvents;

  /** Tells `questions` of answers, and `events` of all else. */
  constructor(
    completions: CompletionReader,
    sender: RequestSender,
    questions: QuestionTable,
    events: CompletionEvents,
  ) {
    this.#completions = completions;
    this.#sender = sender;
    this.#questions = questions;
    this.#events = events;
  }

  /** Hears all that there is; true when a question was answered. */
  hear(): boolean {
    let isAnswered = false;
    while (this.#completions.take()) {
      const isPast = this.#completions.epoch !== this.#sender.epoch;
      if (this.#hearAnswer(isPast)) isAnswered = true;
      else if (!isPast) this.#hearEvent();
    }
    if (this.#completions.areMoreHeld) this.#sender.wake();
    return isAnswered;
  }

  /** True when somebody waits for the answer. */
  #hearAnswer(isPast: boolean): boolean {
    const { kind, subject } = this.#completions;
    if (kind === Completion.Fence || kind === Completion.Lost || kind === Completion.Refused) return false;
    const { staging } = this.#sender;
    const asked = isPast || kind === Completion.Unstaged ? undefined : this.#questions.answer(this.#completions);
    const isFetched = asked?.kind === RequestKind.TransferFromHost; // its bytes are still to be taken
    if (staging.token === subject && !isFetched) staging.release();
    if (kind === Completion.Picture && asked === undefined && !isPast) this.#sender.giveUpPicture(subject);
    return asked !== undefined;
  }

  #hearEvent(): void {
    const { kind, subject } = this.#completions;
    if (kind === Completion.Fence) this.#events.fenceDone(subject);
    else if (kind === Completion.Lost) this.#events.contextLost(subject);
    else if (kind === Completion.Refused) this.#events.fenceRefused(subject);
  }
}
