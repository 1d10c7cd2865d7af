/** @file Puzzles of truth with one solution: knights and knaves, and clauses over variables. Checked statement by statement. */
import { z } from "zod";
import type { Prng } from "../../core/prng.ts";
import { atLevel, instanceFamily, whole } from "../instance-family.ts";
import { readNames } from "../read-answer.ts";

const PEOPLE = ["Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus"] as const;

/** What one person says; people by their number. */
const Statement = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("is"), of: whole(0, 6), knight: z.boolean() }),
  z.strictObject({ kind: z.literal("same"), one: whole(0, 6), other: whole(0, 6), isSame: z.boolean() }),
  z.strictObject({ kind: z.literal("either"), one: whole(0, 6), other: whole(0, 6), knight: z.boolean() }),
  z.strictObject({ kind: z.literal("count"), knights: whole(0, 7) }),
]);
type Statement = z.infer<typeof Statement>;

/** Who is a knight, by number. */
type World = readonly boolean[];

function isTrue(statement: Statement, world: World): boolean {
  switch (statement.kind) {
    case "is":
      return world[statement.of] === statement.knight;
    case "same":
      return (world[statement.one] === world[statement.other]) === statement.isSame;
    case "either":
      return world[statement.one] === statement.knight || world[statement.other] === statement.knight;
    case "count":
      return world.filter((isKnight) => isKnight).length === statement.knights;
  }
}

function statementText(statement: Statement): string {
  const kind = (isKnight: boolean): string => (isKnight ? "knight" : "knave");
  const name = (number: number): string => PEOPLE[number] as string;
  switch (statement.kind) {
    case "is":
      return `${name(statement.of)} is a ${kind(statement.knight)}.`;
    case "same":
      return `${name(statement.one)} and ${name(statement.other)} are ${statement.isSame ? "of the same kind" : "of different kinds"}.`;
    case "either":
      return `${name(statement.one)} or ${name(statement.other)} (or both) is a ${kind(statement.knight)}.`;
    case "count":
      return statement.knights === 1
        ? "Exactly 1 of us is a knight."
        : `Exactly ${statement.knights} of us are knights.`;
  }
}

/** All ways to give so many people or variables a truth value. */
function worldsOf(count: number): World[] {
  return Array.from({ length: 2 ** count }, (_, bits) =>
    Array.from({ length: count }, (_, i) => ((bits >> i) & 1) === 1),
  );
}

const agrees = (statements: readonly Statement[], world: World): boolean =>
  statements.every((statement, speaker) => isTrue(statement, world) === world[speaker]);

/** Knights tell the truth, knaves lie: who is a knight? */
export const knightsAndKnaves = instanceFamily({
  name: "knights-and-knaves",
  description: "who tells the truth and who lies, from what each says",
  domain: "logic",
  levels: ["3 people", "4", "5", "6", "7 people"],
  instance: z
    .strictObject({ statements: z.array(Statement).min(3).max(7) })
    .refine(({ statements }) => statements.every((one) => peopleIn(one).every((of) => of < statements.length))),
  draw(random, level) {
    const count = level + 2;
    const world = Array.from({ length: count }, () => random.next() < 0.5);
    const statements = world.map((isKnight, speaker) => drawStatement(random, { world, speaker, isKnight }));
    if (statements.some((statement) => statement === null)) return null;
    const said = statements as Statement[];
    if (worldsOf(count).filter((other) => agrees(said, other)).length !== 1) return null;
    const knights = PEOPLE.filter((_, i) => world[i] === true);
    return { instance: { statements: said }, answer: knights.length === 0 ? "none" : knights.join(", ") };
  },
  text: ({ statements }, wording) => {
    const said = statements.map((statement, speaker) => `${PEOPLE[speaker]} says: "${statementText(statement)}"`);
    return `${wording.pick(["On an island", "In a village", "In a town"])} everyone is either a knight, who only says what is true, or a knave, who only says what is false. You meet ${statements.length} people.\n${said.join("\n")}\nWho of them are knights?`;
  },
  answerForm: ["NAMES", "NAMES are the names of all the knights, apart by commas, or none"],
  read: (text, { statements }) => readNames(text, PEOPLE.slice(0, statements.length)),
  isRight: ({ statements }, knights) =>
    agrees(
      statements,
      statements.map((_, person) => knights.includes(PEOPLE[person] as string)),
    ),
});

function peopleIn(statement: Statement): number[] {
  if (statement.kind === "is") return [statement.of];
  return statement.kind === "count" ? [] : [statement.one, statement.other];
}

/** Something that a speaker of that kind can say in that world: the first of a few draws that fits. */
function drawStatement(
  random: Prng,
  { world, speaker, isKnight }: { world: World; speaker: number; isKnight: boolean },
): Statement | null {
  const people = world.map((_, i) => i);
  for (let attempt = 0; attempt < 12; attempt++) {
    const [one, other] = random.shuffle(people) as [number, number];
    const others = people.filter((person) => person !== speaker);
    const knight = random.next() < 0.5;
    const statement = random.pick<Statement>([
      { kind: "is", of: random.pick(others), knight },
      { kind: "same", one, other, isSame: knight },
      { kind: "either", one, other, knight },
      { kind: "count", knights: random.int(0, world.length) },
    ]);
    if (isTrue(statement, world) === isKnight) return statement;
  }
  return null;
}

const VARIABLES = ["A", "B", "C", "D", "E", "F", "G", "H"] as const;
const Clause = z
  .array(z.tuple([whole(0, 7), z.boolean()]))
  .min(1)
  .max(4);
type Clause = z.infer<typeof Clause>;

const SIZES = [3, 4, 5, 6, 7] as const;

/** Conditions that exactly one choice of truth values meets. */
export const propositionalLogic = instanceFamily({
  name: "propositional-logic",
  description: "the one choice of truth values that meets all conditions",
  domain: "logic",
  levels: ["3 variables", "4", "5", "6", "7 variables"],
  instance: z
    .strictObject({ variables: whole(3, 8), clauses: z.array(Clause).min(1).max(60) })
    .refine(({ variables, clauses }) => clauses.flat().every(([variable]) => variable < variables)),
  draw(random, level) {
    const variables = atLevel(SIZES, level);
    const hidden = Array.from({ length: variables }, () => random.next() < 0.5);
    const clauses: Clause[] = [];
    let left = worldsOf(variables);
    for (let draw = 0; draw < 400 && left.length > 1; draw++) {
      const clause = drawClause(random, variables);
      const kept = left.filter((world) => holds(clause, world));
      // Only a clause that says something new about the hidden choice is kept.
      if (!holds(clause, hidden) || kept.length === left.length) continue;
      clauses.push(clause);
      left = kept;
    }
    if (left.length !== 1 || clauses.length > 40) return null;
    const names = VARIABLES.filter((_, i) => hidden[i] === true);
    return { instance: { variables, clauses }, answer: names.length === 0 ? "none" : names.join(", ") };
  },
  text: ({ variables, clauses }, wording) => {
    const lines = clauses.map((clause, i) => `${i + 1}. ${clauseText(clause)}`);
    return `${wording.pick(["Each of", "Every one of"])} the statements ${VARIABLES.slice(0, variables).join(", ")} is either true or false. All of these conditions hold:\n${lines.join("\n")}\nWhich of the statements are true?`;
  },
  answerForm: ["LETTERS", "LETTERS are the letters of all the true statements, apart by commas, or none"],
  read: (text, { variables }) => readNames(text, VARIABLES.slice(0, variables)),
  isRight: ({ variables, clauses }, names) => {
    const world = VARIABLES.slice(0, variables).map((name) => names.includes(name));
    return clauses.every((clause) => holds(clause, world));
  },
});

const holds = (clause: Clause, world: World): boolean =>
  clause.some(([variable, isPositive]) => world[variable] === isPositive);

function drawClause(random: Prng, variables: number): Clause {
  const size = random.int(2, Math.min(3, variables));
  const chosen = random.shuffle(Array.from({ length: variables }, (_, i) => i)).slice(0, size);
  return chosen.sort((a, b) => a - b).map((variable): [number, boolean] => [variable, random.next() < 0.5]);
}

/** "A or not B", or the same as "if not A, then not B". */
function clauseText(clause: Clause): string {
  const literal = ([variable, isPositive]: readonly [number, boolean]): string =>
    `${isPositive ? "" : "not "}${VARIABLES[variable]}`;
  const [first, ...rest] = clause;
  if (first === undefined || rest.length !== 1 || first[1]) return clause.map(literal).join(" or ");
  return `if ${VARIABLES[first[0]]}, then ${rest.map(literal).join(" or ")}`;
}
