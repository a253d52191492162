/** When calls that may answer `LATER` do so: never, until the next microtask, or until a test says `answer`. */
export type LaterMode = "never" | "microtask" | "byHand";

/** Makes each call wait once, and sees to it that a device which waits for one asks for nothing else. */
export class Postponement {
  /** When calls answer `LATER`; may change while none waits. */
  mode: LaterMode;
  readonly #resume: () => void;
  /** The calls that wait, each with whether it may go on: one of the control queue's, and those for pictures. */
  readonly #waiting = new Map<string, { isReady: boolean }>();
  /** Whether a resource has ended while a call waited: then a reset must follow. */
  #isResetting = false;

  /** `resume` is called when a call may go on. */
  constructor(mode: LaterMode, resume: () => void) {
    this.mode = mode;
    this.#resume = resume;
  }

  /** Whether a call waits. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Whether `call` of the control queue, for what has the number `id`, is to answer `LATER` now. */
  isPostponed(call: string, id: number): boolean {
    if (this.mode === "never") return false;
    const name = `${call}(${id})`;
    this.checkOrder(name);
    return this.#wait(name);
  }

  /** Whether reading the picture of `resourceId` is to answer `LATER` now: cursors read pictures too. */
  isPicturePostponed(resourceId: number): boolean {
    return this.mode !== "never" && this.#wait(`readPicture(${resourceId})`);
  }

  /** Throws when another call than `name` waits: the device has no business here before that one is answered. */
  checkOrder(name: string): void {
    if (this.#isResetting) throw new Error(`The device calls ${name} in a reset`);
    for (const waiting of this.#waiting.keys()) {
      if (waiting === name || waiting.startsWith("readPicture")) continue;
      throw new Error(`The device calls ${name} while ${waiting} waits for an answer`);
    }
  }

  /** The device ends a resource: with a reset it may do so at any time. Nobody reads its picture any more. */
  endResource(resourceId: number): void {
    this.#waiting.delete(`readPicture(${resourceId})`);
    this.#isResetting = this.#waiting.keys().some((name) => !name.startsWith("readPicture"));
  }

  /** Lets what waits go on. */
  answer(): void {
    if (!this.isWaiting) return;
    for (const call of this.#waiting.values()) call.isReady = true;
    this.#resume();
  }

  /** Drops what waits. */
  reset(): void {
    this.#waiting.clear();
    this.#isResetting = false;
  }

  #wait(name: string): boolean {
    const call = this.#waiting.get(name);
    if (call?.isReady) return !this.#waiting.delete(name);
    if (call !== undefined) return true; // somebody else has resumed the device
    const begun = { isReady: false };
    this.#waiting.set(name, begun);
    if (this.mode === "microtask") queueMicrotask(() => this.#answerOne(name, begun));
    return true;
  }

  #answerOne(name: string, begun: { isReady: boolean }): void {
    if (this.#waiting.get(name) !== begun) return; // dropped by a reset
    begun.isReady = true;
    this.#resume();
  }
}
