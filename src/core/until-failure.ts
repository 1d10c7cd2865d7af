/**
 * The items of a source up to its failure, which is told instead of thrown; what the callback throws is thrown. A failure
 * of whoever takes the items is not the source's, and passes by.
 */
export async function* untilFailure<T>(
  items: AsyncIterable<T>,
  onFailure: (error: unknown) => void,
): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (error) {
    onFailure(error);
  }
}
