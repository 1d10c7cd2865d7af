// Parses each line of standard input as an event of src/schema/training-job.ts, and answers with the types, as JSON. The
// first line is the job's config, which must be one of that file too.
import { readFileSync } from "node:fs";
import { TrainingEvent, TrainingJob } from "../../dist/schema/training-job.js";

const [config, ...lines] = JSON.parse(readFileSync(0, "utf8")).lines;
TrainingJob.parse(JSON.parse(config));
process.stdout.write(JSON.stringify({ types: lines.map((line) => TrainingEvent.parse(JSON.parse(line)).type) }));
