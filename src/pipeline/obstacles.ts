import { AppError } from "../core/errors.ts";

/**
 * One error for all that stands in the way: the only one as it is, several as a list; undefined for none. A list that is
 * among them is taken apart.
 */
export function oneObstacle(found: readonly AppError[]): AppError | undefined {
  const obstacles = found.flatMap(partsOf);
  const [first] = obstacles;
  if (first === undefined || obstacles.length === 1) return first;
  const lines = obstacles.map(({ message, hint }) => `  - ${message}${hint === undefined ? "" : ` (${hint})`}`);
  return new AppError(first.code, `${obstacles.length} things stand in the way\n${lines.join("\n")}`, {
    hint: "nothing was asked and nothing spent; see to them and run again",
    data: { obstacles: obstacles.map(({ code, message, hint = null }) => ({ code, message, hint })) },
    cause: new AggregateError(obstacles),
  });
}

function partsOf(error: AppError): AppError[] {
  const { cause } = error;
  return cause instanceof AggregateError ? cause.errors.filter((one) => one instanceof AppError) : [error];
}
