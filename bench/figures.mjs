// What every benchmark shares: `--json` and the way its figures are shown.
import { availableParallelism, cpus } from "node:os";

const isJson = process.argv.includes("--json");

/** Prints a line for the reader; with --json it goes to standard error, so that standard output holds the figures alone. */
export const say = (line) => (isJson ? console.error(line) : console.log(line));

/** The value after a flag, or undefined. */
export function flag(name) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
}

/** Threads that the engine uses by default here, at most two: the figures are of one and two. */
export const cores = availableParallelism();

/** Ends a benchmark: one JSON line with --json, a readable list of the same figures without. */
export function finish(bench, figures, facts = {}) {
  const machine = { cpu: cpus()[0]?.model, cores, node: process.version, ...facts };
  const rounded = Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [name, Number(value.toPrecision(4))]),
  );
  if (isJson) return console.log(JSON.stringify({ bench, machine, figures: rounded }));
  console.log(
    `\n${bench}: ${Object.entries(machine)
      .map(([name, value]) => `${name} ${value}`)
      .join(", ")}`,
  );
  for (const [name, value] of Object.entries(rounded)) console.log(`  ${name.padEnd(34)} ${value}`);
}
