/** What a `Faults` throws. */
export class Fault extends Error {}

/** Whether a call that fails has been carried out or not. */
export type FaultKind = "instead of" | "after";

/**
 * Makes one call of many throw, counted over all functions of the objects that it wraps: an embedder's displays, windows and
 * renderers may have faults at any of them.
 */
export class Faults {
  /** How many calls there were so far. */
  count = 0;
  /** Which call throws, from 1; none when it is 0. */
  at = 0;
  /** The functions that count; all when it is undefined. */
  name: string | undefined;
  readonly #kind: FaultKind;

  /** Throws instead of a call or after it. */
  constructor(kind: FaultKind) {
    this.#kind = kind;
  }

  /** Whether the call has been made that throws. */
  get isOver(): boolean {
    return this.at !== 0 && this.count >= this.at;
  }

  /** `target` with functions that may throw. */
  wrap<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (_, name) => {
        const member = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        if (name === "start") return member.bind(target); // a device that cannot be made is none
        return (...given: unknown[]) => this.#call(String(name), () => Reflect.apply(member, target, given));
      },
      set: (_, name, value) => Reflect.set(target, name, value, target),
    });
  }

  /** Does `act`, which may meet the fault; false when it has. Other errors are the test's. */
  survives(act: () => void): boolean {
    try {
      act();
      return true;
    } catch (error) {
      if (error instanceof Fault) return false;
      throw error;
    }
  }

  #call<T>(name: string, call: () => T): T {
    const counts = this.name === undefined || this.name === name;
    if (counts) this.count++;
    const isFault = counts && this.count === this.at;
    if (isFault && this.#kind === "instead of") throw new Fault(name);
    const result = call();
    if (isFault) throw new Fault(name);
    return result;
  }
}
