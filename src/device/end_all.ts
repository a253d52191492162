/** Ends each of `items` by `end`, whatever that throws for one of them; throws the first of it at the end. */
export function endAll<T>(items: Iterable<T>, end: (item: T) => void): void {
  const errors: unknown[] = [];
  for (const item of items) {
    try {
      end(item);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
