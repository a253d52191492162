import { NO_TOKEN, RequestKind } from "./channel.ts";
import type { CompletionReader } from "./completion_reader.ts";
import type { Rect } from "../../memory/rect.ts";

/** The control queue asks one thing at a time, and so does the cursor queue; the others are answers that nobody took. */
const CAPACITY = 4;

/** A question to the renderer's side: what was asked, and what it was answered. */
export class Question {
  /** What was asked; `Pad` when the record is free. */
  kind: RequestKind = RequestKind.Pad;
  /** What was asked of: the number of a context or a resource, as an `i32`. */
  id = 0;
  token = NO_TOKEN;
  isAnswered = false;
  /** A reason's number, or 0. */
  outcome = 0;
  first = 0;
  second = 0;
  /** Of `TransferFromHost`: how many bytes were asked for. */
  sizeBytes = 0;
  /** Of `ReadPicture`: the part that was asked for. */
  readonly rect: Rect = { x: 0, y: 0, width: 0, height: 0 };
}

/** The questions that were asked, until whoever asked takes the answer. Records are used again and again. */
export class QuestionTable {
  readonly #questions = Array.from({ length: CAPACITY }, () => new Question());

  /** The question of `kind` of what has the number `id`; undefined when it was not asked. */
  find(kind: RequestKind, id: number): Question | undefined {
    for (const question of this.#questions) {
      if (question.kind === kind && question.id === (id | 0)) return question;
    }
    return undefined;
  }

  /** The question for the picture of `resourceId` whose part holds `rect`. */
  findPicture(resourceId: number, rect: Rect): Question | undefined {
    for (const question of this.#questions) {
      const isIt = question.kind === RequestKind.ReadPicture && question.id === (resourceId | 0);
      if (isIt && holds(question.rect, rect)) return question;
    }
    return undefined;
  }

  /** A question of `kind` whose answer nobody has taken yet; undefined when there is none. */
  findAnswered(kind: RequestKind): Question | undefined {
    for (const question of this.#questions) {
      if (question.kind === kind && question.isAnswered) return question;
    }
    return undefined;
  }

  /** Notes a question; undefined when there is no record for it. */
  ask(kind: RequestKind, id: number, token: number): Question | undefined {
    for (const question of this.#questions) {
      if (question.kind !== RequestKind.Pad) continue;
      question.kind = kind;
      question.id = id | 0;
      question.token = token;
      question.isAnswered = false;
      return question;
    }
    return undefined;
  }

  /** Notes the answer that was read; undefined when nobody waits for it. */
  answer({ subject, outcome, first, second }: CompletionReader): Question | undefined {
    for (const question of this.#questions) {
      if (question.kind === RequestKind.Pad || question.token !== subject) continue;
      question.isAnswered = true;
      question.outcome = outcome;
      question.first = first;
      question.second = second;
      return question;
    }
    return undefined;
  }

  /** Forgets a question. */
  drop(question: Question): void {
    question.kind = RequestKind.Pad;
  }

  /** Forgets all. */
  clear(): void {
    for (const question of this.#questions) this.drop(question);
  }
}

function holds(outer: Rect, inner: Rect): boolean {
  return outer.x <= inner.x && outer.y <= inner.y && outer.x + outer.width >= inner.x + inner.width &&
    outer.y + outer.height >= inner.y + inner.height;
}
