/**
 * The functions of JSR's `@std/assert` that the tests use, over `node:assert`, so that tests run where only the npm
 * registry can be reached. With JSR, `"@std/assert": "jsr:@std/assert@1"` in deno.json takes its place.
 */

import nodeAssert from "node:assert/strict";

/** What a failed assertion throws. */
export const AssertionError = nodeAssert.AssertionError;

/** The type of a failed assertion. */
export type AssertionError = nodeAssert.AssertionError;

// deno-lint-ignore no-explicit-any -- the same constructor type as in @std/assert
type ErrorClass<E extends Error> = new (...args: any[]) => E;

/** Fails with `message`. */
export function fail(message = "Failed"): never {
  throw new AssertionError({ message });
}

/** Asserts that `condition` is truthy. */
export function assert(condition: unknown, message = "The condition is false"): asserts condition {
  if (!condition) fail(message);
}

/** Asserts that `condition` is falsy. */
export function assertFalse(condition: unknown, message = "The condition is true"): asserts condition is false {
  if (condition) fail(message);
}

/** Asserts that two values are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  if (actual instanceof Uint8Array && expected instanceof Uint8Array) return assertSameBytes(actual, expected, message);
  const areLong = Array.isArray(actual) && Array.isArray(expected) && actual.length + expected.length > LONG_ITEMS;
  if (areLong) return assertSameItems(actual, expected, message);
  nodeAssert.deepStrictEqual(actual, expected, message);
}

/** Lists of more items in all are not shown: a listing of 60,000 took minutes, and ended the process. */
const LONG_ITEMS = 2000;

function assertSameItems(actual: unknown[], expected: unknown[], message = "The lists differ") {
  if (actual.length !== expected.length) fail(`${message}: ${actual.length} items, expected ${expected.length}`);
  actual.forEach((item, at) => nodeAssert.deepStrictEqual(item, expected[at], `${message} at ${at}`));
}

/** Pictures are long: the first difference says more than a listing of both. */
function assertSameBytes(actual: Uint8Array, expected: Uint8Array, message = "The bytes differ") {
  if (actual.length !== expected.length) fail(`${message}: ${actual.length} of them, expected ${expected.length}`);
  const at = actual.findIndex((byte, i) => byte !== expected[i]);
  if (at >= 0) fail(`${message}: byte ${at} is ${actual[at]}, expected ${expected[at]}`);
}

/** Asserts that two values are not deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.notDeepStrictEqual(actual, expected, message);
}

/** Asserts that two values are the same by `Object.is`. */
export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): asserts actual is T {
  nodeAssert.strictEqual(actual, expected, message);
}

/** Asserts that two values are not the same by `Object.is`. */
export function assertNotStrictEquals<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.notStrictEqual(actual, expected, message);
}

/** Asserts that two numbers differ by at most `tolerance`. */
export function assertAlmostEquals(actual: number, expected: number, tolerance = 1e-7, message?: string): void {
  if (Math.abs(actual - expected) <= tolerance) return;
  fail(message ?? `Expected ${expected} within ${tolerance}, got ${actual}`);
}

/** Asserts that `actual` is more than `limit`. */
export function assertGreater<T>(actual: T, limit: T, message?: string): void {
  assert(actual > limit, message ?? `Expected more than ${limit}, got ${actual}`);
}

/** Asserts that `actual` is `limit` or more. */
export function assertGreaterOrEqual<T>(actual: T, limit: T, message?: string): void {
  assert(actual >= limit, message ?? `Expected ${limit} or more, got ${actual}`);
}

/** Asserts that `actual` is less than `limit`. */
export function assertLess<T>(actual: T, limit: T, message?: string): void {
  assert(actual < limit, message ?? `Expected less than ${limit}, got ${actual}`);
}

/** Asserts that `actual` is `limit` or less. */
export function assertLessOrEqual<T>(actual: T, limit: T, message?: string): void {
  assert(actual <= limit, message ?? `Expected ${limit} or less, got ${actual}`);
}

/** Asserts that `actual` is neither null nor undefined. */
export function assertExists<T>(
  actual: T,
  message = `Expected a value, got ${actual}`,
): asserts actual is NonNullable<T> {
  assert(actual !== null && actual !== undefined, message);
}

/** Asserts that `actual` is an instance of `type`. */
export function assertInstanceOf<T>(
  actual: unknown,
  // deno-lint-ignore no-explicit-any -- the same constructor type as in @std/assert
  type: abstract new (...args: any[]) => T,
  message?: string,
): asserts actual is T {
  assert(actual instanceof type, message ?? `Expected an instance of ${type.name}, got ${actual}`);
}

/** Asserts that `actual` matches `expected`. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  assert(expected.test(actual), message ?? `Expected a match of ${expected}, got ${JSON.stringify(actual)}`);
}

/** Asserts that `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  const wanted = JSON.stringify(expected);
  assert(actual.includes(expected), message ?? `Expected text with ${wanted}, got ${JSON.stringify(actual)}`);
}

/** Asserts that `fn` throws an `errorClass` (any Error when absent) whose message contains `text`, and returns it. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass?: ErrorClass<E>,
  text?: string,
  message?: string,
): E {
  try {
    fn();
  } catch (error) {
    return expectedError(error, errorClass, text, message);
  }
  fail(message ?? "Expected an exception, got none");
}

/** Asserts that the promise of `fn` rejects with an `errorClass` whose message contains `text`, and returns the error. */
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass?: ErrorClass<E>,
  text?: string,
  message?: string,
): Promise<E> {
  try {
    await fn();
  } catch (error) {
    return expectedError(error, errorClass, text, message);
  }
  fail(message ?? "Expected a rejection, got none");
}

function expectedError<E extends Error>(thrown: unknown, errorClass?: ErrorClass<E>, text = "", message?: string): E {
  const type = errorClass ?? Error as unknown as ErrorClass<E>;
  assert(thrown instanceof type, message ?? `Expected ${type.name}, got ${thrown}`);
  assertStringIncludes(thrown.message, text, message);
  return thrown;
}
