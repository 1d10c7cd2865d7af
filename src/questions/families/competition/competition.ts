import { z } from "zod";
import { instanceFamily, whole } from "../../instance-family.ts";
import { readInteger } from "../../read-answer.ts";
import { ALGEBRA } from "./algebra.ts";
import { GEOMETRY } from "./geometry.ts";
import { NUMBER_THEORY } from "./number-theory.ts";
import type { Template } from "./template.ts";

/** The templates by name. */
export const TEMPLATES: Readonly<Record<string, Template>> = { ...NUMBER_THEORY, ...ALGEBRA, ...GEOMETRY };
const NAMES = Object.keys(TEMPLATES);

const Instance = z
  .strictObject({ template: z.enum(NAMES), parameters: z.array(whole(-100_000, 100_000)).max(6) })
  .refine(({ template, parameters }) => {
    const { bounds } = templateOf(template);
    return (
      parameters.length === bounds.length &&
      parameters.every((value, i) => value >= (bounds[i]?.[0] ?? 0) && value <= (bounds[i]?.[1] ?? 0))
    );
  });

function templateOf(name: string): Template {
  const template = TEMPLATES[name];
  if (template === undefined) throw new Error(`bug in grappa: no template ${name}`);
  return template;
}

/** Problems in the form of the AIME: whatever is asked, the answer is a whole number from 0 to 999. */
export const competition = instanceFamily({
  name: "competition",
  description: `contest problems with answers from 0 to 999, of ${NAMES.length} templates in number theory, algebra, counting and geometry`,
  domain: "competition maths",
  levels: ["small numbers, simpler templates", "larger", "medium", "large, harder templates", "largest"],
  instance: Instance,
  draw(random, level) {
    const fitting = NAMES.filter((name) => {
      const [lowest, highest] = templateOf(name).levels;
      return level >= lowest && level <= highest;
    });
    const template = random.pick(fitting);
    const parameters = [...templateOf(template).draw(random, level)];
    const instance = Instance.safeParse({ template, parameters }).data;
    const answer = instance === undefined ? -1n : templateOf(template).formula(parameters);
    if (instance === undefined || answer < 0n || answer > 999n) return null;
    return { instance, answer: String(answer) };
  },
  text: ({ template, parameters }) => templateOf(template).text(parameters),
  answerForm: ["N", "N is a whole number from 0 to 999"],
  read: readInteger,
  isRight: ({ template, parameters }, answer) => {
    const counted = templateOf(template).count(parameters);
    return Number.isSafeInteger(counted) && counted >= 0 && BigInt(counted) === answer;
  },
});
