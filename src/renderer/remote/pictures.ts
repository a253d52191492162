import { RequestKind } from "./channel.ts";
import type { Question, QuestionTable } from "./question_table.ts";
import type { RequestSender } from "./request_sender.ts";

/** Forgets the questions for the pictures of a resource that has ended. */
export function giveUpPictures(sender: RequestSender, questions: QuestionTable, resourceId: number): void {
  for (;;) {
    const asked = questions.find(RequestKind.ReadPicture, resourceId);
    if (asked === undefined) return;
    giveUpPicture(sender, questions, asked);
  }
}

/** Forgets a question for a picture: the renderer's side, which keeps one as it is while it is looked at, may go on. */
export function giveUpPicture(sender: RequestSender, questions: QuestionTable, asked: Question | undefined): void {
  if (asked === undefined) return;
  if (asked.isAnswered && asked.outcome === 0) sender.giveUpPicture(asked.token);
  questions.drop(asked);
}
