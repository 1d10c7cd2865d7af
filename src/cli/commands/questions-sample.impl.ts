import { AppError } from "../../core/errors.ts";
import { didYouMean } from "../../pipeline/near-names.ts";
import { families } from "../../questions/families.ts";
import type { Family } from "../../questions/family.ts";
import { FAMILY_NAMES } from "../../schema/family-names.ts";
import type { Question } from "../../schema/records.ts";
import { type CommonFlags, presenting } from "../command-result.ts";

interface SampleFlags extends CommonFlags {
  readonly count: number;
  readonly difficulty: number;
  readonly seed: number;
  readonly start: number;
  readonly answers: boolean;
}

/** Prints questions of a family. */
export default presenting<SampleFlags, [string]>(async (_context, flags, wanted) => {
  const family = familyCalled(wanted);
  const { count, difficulty, seed, start, answers } = flags;
  refuseLevel(family, difficulty);
  const items = Array.from({ length: count }, (_, i) => ({
    index: start + i,
    question: family.generate(start + i, { seed, difficulty }),
  }));
  const questions = items.map(({ index, question }) => ({ index, ...(answers ? question : withoutAnswer(question)) }));
  return {
    json: { family: family.name, difficulty, seed, questions },
    text: items.map(({ index, question }) => describe(index, question, answers)).join("\n\n"),
  };
});

function familyCalled(wanted: string): Family {
  const name = FAMILY_NAMES.find((one) => one === wanted);
  if (name !== undefined) return families[name];
  throw new AppError("usage", `no family is called ${wanted}${didYouMean(wanted, FAMILY_NAMES)}`, {
    hint: "grappa questions list shows all families",
    data: { family: wanted },
  });
}

function refuseLevel({ name, levels }: Family, difficulty: number): void {
  if (difficulty <= levels.length) return;
  throw new AppError("usage", `family ${name} has levels 1 to ${levels.length}, found --difficulty ${difficulty}`, {
    hint: "grappa questions list --json says what each level means",
    data: { family: name, difficulty, levels: levels.length },
  });
}

/** What a model may see, and where it belongs: neither the answer nor what the check reads. */
function withoutAnswer({ id, text, domain, bucket, difficulty }: Question) {
  return { id, text, domain, bucket, difficulty };
}

function describe(index: number, { text, id, bucket, answer }: Question, showsAnswer: boolean): string {
  const heading = `# ${index}  ${id}  bucket ${bucket}`;
  return [heading, text, ...(showsAnswer ? [`-> ${answer}`] : [])].join("\n");
}
