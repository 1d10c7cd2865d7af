// Parses what is on standard input as src/schema/training-job.ts has it: { jobs: { config, events: string[] }[] }, all texts
// of JSON; answers with the types of each job's events.
import { readFileSync } from "node:fs";
import { TrainingEvent, TrainingJob } from "../../dist/schema/training-job.js";

const { jobs } = JSON.parse(readFileSync(0, "utf8"));
const types = jobs.map(({ config, events }) => {
  TrainingJob.parse(JSON.parse(config));
  return events.map((line) => TrainingEvent.parse(JSON.parse(line)).type);
});
process.stdout.write(JSON.stringify({ types }));
