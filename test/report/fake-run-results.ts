/** @file A run as the demo would give it, made up: the shapes and sizes are the prototype's, the numbers prove nothing. */
import { INTERVAL_METHOD } from "../../src/evaluate/score.ts";
import type {
  ControlResults,
  ExampleRun,
  ReplyRun,
  RunResults,
  ShownQuestion,
  ShownReply,
  StageCost,
} from "../../src/report/run-results.ts";
import type { ControlRow } from "../../src/schema/controls.ts";
import type { Completion, Interval, Question, Score, ThinkingSetting, TrainStep } from "../../src/schema/records.ts";
import { Recipe } from "../../src/schema/recipe.ts";

/** The cap that stands for a natural end in the fake run. */
export const NATURAL = 768;

function wilson(correct: number, n: number): Interval | null {
  if (n === 0) return null;
  const z = 1.959964;
  const centre = (correct + (z * z) / 2) / (n + z * z);
  const half = (z * Math.sqrt((correct * (n - correct)) / n + (z * z) / 4)) / (n + z * z);
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

/** One score; accuracy and interval follow from `correct` of `n` (null when n is 0). */
export function fakeScore(
  parts: Pick<Score, "model" | "setting"> & { correct: number; n?: number; tokens: number; family?: string },
): Score {
  const { model, setting, correct, n = 300, tokens, family = "all" } = parts;
  return {
    schemaVersion: 1,
    model,
    setting,
    family,
    n,
    correct,
    accuracy: n === 0 ? null : correct / n,
    interval: wilson(correct, n),
    thinkingTokens: tokens,
    cutShare: setting.mode === "think" && setting.budgetTokens < NATURAL ? 1 - setting.budgetTokens / 400 : 0.01,
    noAnswerShare: 0.01,
  };
}

export const direct: ThinkingSetting = { mode: "direct", budgetTokens: 0, waits: 0 };
export const think = (budgetTokens: number, waits = 0): ThinkingSetting => ({ mode: "think", budgetTokens, waits });

function withFamilies(score: Score): Score[] {
  const arithmetic = Math.round(score.correct * 0.47);
  const rest = { model: score.model, setting: score.setting, tokens: score.thinkingTokens, n: score.n / 2 };
  return [
    score,
    fakeScore({ ...rest, correct: arithmetic, family: "arithmetic" }),
    fakeScore({ ...rest, correct: score.correct - arithmetic, family: "program" }),
  ];
}

function fakeScores(): Score[] {
  const student: [ThinkingSetting, number, number][] = [
    [direct, 2, 0],
    [think(16), 0, 16],
    [think(32), 1, 32],
    [think(64), 38, 61],
    [think(96), 62, 88],
    [think(128), 110, 112],
    [think(NATURAL), 237, 182],
    [think(NATURAL, 1), 267, 349],
    [think(NATURAL, 2), 271, 502],
  ];
  return [
    fakeScore({ model: "base", setting: direct, correct: 3, tokens: 0 }),
    fakeScore({ model: "base", setting: think(NATURAL), correct: 1, tokens: 41 }),
    ...student.map(([setting, correct, tokens]) => fakeScore({ model: "student", setting, correct, tokens })),
  ].flatMap(withFamilies);
}

function fakeTrainSteps(): TrainStep[] {
  return Array.from({ length: 315 }, (_, index) => ({
    schemaVersion: 1,
    step: index + 1,
    epoch: (index + 1) / 63,
    loss: 0.16 + 1.9 * Math.exp(-index / 22) + 0.03 * Math.sin(index * 1.7) * Math.sin(index * 0.31),
    gradientNorm: 0.4 + Math.exp(-index / 30),
    learningRate: 1e-3 * Math.min(1, (index + 1) / 16) * 0.5 * (1 + Math.cos((Math.PI * index) / 315)),
    tokens: 3_120,
  }));
}

const question: Question = {
  schemaVersion: 1,
  id: "9f2c11d0a4b7e633",
  text: "62 a+36 b+27 c*5 d+88 e-23",
  answer: "690",
  family: "arithmetic",
  domain: "arithmetic/5-steps",
  difficulty: 5,
  bucket: "test",
  metadata: {},
};

const forced = (text: string): ReplyRun => ({ text, isForced: true });
const own = (text: string): ReplyRun => ({ text, isForced: false });
const quick = "a+36 62+36=98\nb+27 98+27=125\nc*5 125*5=615\nd+88 615+88=703\ne-23 703-23=680";
const careful =
  "\na+36 62+36:2+6+0=08,6+3+0=09,0+0+0=00>98\nb+27 98+27:8+7+0=15,9+2+1=12,0+0+1=01>125\nc*5 125*5:5*5+0=25,2*5+2=12,1*5+1=06>625\nd+88 625+88:5+8+0=13,2+8+1=11,6+0+1=07>713\ne-23 713-23:3-3-0=0,1-2-0=9,7-0-1=6>690";

interface FakeReply {
  readonly model: Completion["model"];
  readonly setting: ThinkingSetting;
  readonly thinking: readonly ReplyRun[];
  readonly answer: readonly ReplyRun[];
  readonly value: string;
}

function reply(parts: FakeReply): ShownReply {
  const text = (runs: readonly ReplyRun[]) => runs.map((run) => run.text).join("");
  const { model, setting, value } = parts;
  return {
    completion: {
      schemaVersion: 1,
      questionId: question.id,
      model,
      setting,
      sampleIndex: 0,
      thinking: text(parts.thinking),
      answer: text(parts.answer),
      thinkingTokens: text(parts.thinking).length,
      answerTokens: text(parts.answer).length,
      end: setting.mode === "direct" ? "direct" : setting.budgetTokens < NATURAL ? "cut" : "natural",
      answerFinish: "stop",
      grade: { outcome: value === "690" ? "correct" : "incorrect", extracted: value, rule: "integer" },
    },
    thinking: parts.thinking,
    answer: parts.answer,
  };
}

function fakeExample(): ShownQuestion {
  const cut = [own("a+36 62+36=98\nb+27 98+27=125\nc*")];
  const waited = [own(quick), forced("\nWait"), own(careful)];
  const student = { model: "student" } as const;
  return {
    question,
    replies: [
      reply({ model: "base", setting: direct, thinking: [], answer: [own("125")], value: "125" }),
      reply({
        ...student,
        setting: think(32),
        thinking: cut,
        answer: [forced("\nFinal Answer:"), own(" 125")],
        value: "125",
      }),
      reply({
        ...student,
        setting: think(NATURAL),
        thinking: [own(quick)],
        answer: [own("Answer: 680")],
        value: "680",
      }),
      reply({ ...student, setting: think(NATURAL, 1), thinking: waited, answer: [own("Answer: 690")], value: "690" }),
    ],
  };
}

function fakeTraceRuns(): ExampleRun[] {
  const prompt = `<|im_start|>user\n${question.text}<|im_end|>\n<|im_start|>assistant\n`;
  const target = `<|im_start|>think\n${quick}\nWait${careful}\n<|im_start|>answer\nAnswer: 690<|im_end|>\n`;
  return [
    { text: prompt, tokens: 35, isTrained: false },
    { text: target, tokens: 262, isTrained: true },
  ];
}

function cost(stage: string, seconds: number, tokens: readonly [number, number]): StageCost {
  const tokensBasis = stage === "trace" ? "simulated" : "measured";
  return {
    stage,
    seconds,
    inputTokens: tokens[0],
    outputTokens: tokens[1],
    tokensBasis,
    costUsd: 0,
    costBasis: "measured",
  };
}

/** The recipe of the fake run, resolved. */
export function fakeRecipe(): Recipe {
  return Recipe.parse({
    name: "demo",
    seed: 7,
    student: { base: "models/demo-base" },
    collect: {
      sources: [
        { type: "family", family: "arithmetic", count: 2200, difficulty: [2, 5] },
        { type: "family", family: "program", count: 2200, difficulty: [2, 5] },
      ],
    },
    trace: { teacher: { type: "builtin" } },
  });
}

/** A whole run; `changes` replace its fields. */
export function fakeRunResults(changes: Partial<RunResults> = {}): RunResults {
  const traces = ["arithmetic/5-steps", "program/3-steps", "arithmetic/2-steps"].map((domain) => ({
    questionId: question.id,
    domain,
    thinkingTokens: 251,
    runs: fakeTraceRuns(),
  }));
  return {
    runId: "demo-7-20261123-1a2b3c4d",
    recipe: fakeRecipe(),
    student: { parameters: 861_568, contextTokens: 1024 },
    naturalBudgetTokens: NATURAL,
    seconds: 268.4,
    spentUsd: 0,
    spentBasis: "measured",
    accounts: [],
    funnel: [
      { stage: "collect", in: 4_400, kept: 4_362, dropped: 38, reasons: { duplicate: 38 } },
      { stage: "attempt", in: 4_362, kept: 4_051, dropped: 311, reasons: { "solved-by-base": 311 } },
      {
        stage: "trace",
        in: 4_051,
        kept: 3_960,
        dropped: 91,
        reasons: { truncated: 52, "malformed-reply": 31, "provider-permanent": 8 },
      },
      { stage: "grade", in: 3_960, kept: 3_702, dropped: 258, reasons: { incorrect: 251, no_answer: 7 } },
      { stage: "select", in: 3_702, kept: 1_000, dropped: 2_702, reasons: { "not-selected": 2_690, "too-long": 12 } },
    ],
    trainSteps: fakeTrainSteps(),
    scores: fakeScores(),
    intervalMethod: INTERVAL_METHOD,
    verdict: {
      pValue: 1.4e-52,
      sentence:
        "On the same 300 held-out questions the student, thinking to its natural end, is right on 79.0 % and its base at its best (answering directly) on 1.0 %: the student is better (+78.0 points, 95 % interval +73.1 to +82.6; exact McNemar p < 0.001).",
      test: "exact McNemar",
      difference: 0.78,
      interval: [0.731, 0.826],
      discordant: { onlyStudent: 235, onlyBase: 1 },
      baseSetting: direct,
      studentSetting: think(NATURAL),
      rise: {
        n: 300,
        first: 0,
        second: 0.79,
        onlyFirst: 0,
        onlySecond: 237,
        pValue: 1e-71,
        difference: 0.79,
        interval: [0.743, 0.835],
      },
      waits: [
        { waits: 1, n: 300, wrongToRight: 38, rightToWrong: 8, pValue: 0.0000093 },
        { waits: 2, n: 300, wrongToRight: 44, rightToWrong: 10, pValue: 0.0000031 },
      ],
    },
    controls: null,
    metrics: { pointsPerDoubling: 21.6, interval: [19.8, 23.5], control: 1, performance: 0.903 },
    ledger: [
      cost("collect", 0.6, [0, 0]),
      cost("attempt", 11.2, [152_000, 21_300]),
      cost("trace", 8.9, [161_000, 861_000]),
      cost("grade", 0.3, [0, 0]),
      cost("select", 0.1, [0, 0]),
      cost("tokenize", 0.2, [0, 231_000]),
      cost("train", 151, [0, 1_155_000]),
      cost("evaluate", 96.1, [126_000, 402_000]),
    ],
    examples: [
      fakeExample(),
      { ...fakeExample(), question: { ...question, text: "x=62\nx+=36\nprint(x)", family: "program" } },
    ],
    traces,
    machine: {
      cpu: "AMD EPYC 7B13",
      cores: 2,
      threads: 2,
      memoryBytes: 8.2e9,
      platform: "linux x64",
      nodeVersion: "20.20.0",
      kernels: "wasm-simd 5d0c9b1f",
    },
    reproduction: {
      command: "npm ci && npm run demo -- --seed 7",
      grappaVersion: "0.1.0",
      hashes: [
        { name: "recipe", hash: "3c5a9d1e77f0b2c4" },
        { name: "base weights", hash: "b81d22f09a6c4e57" },
        { name: "tokenizer", hash: "07ae5512cc9f3d68" },
      ],
    },
    ...changes,
  };
}

/** Three controls and one that was not run; `slipless` is the first pass of (a). */
export function fakeControls({ slipless }: { readonly slipless: number }): ControlResults {
  const row = (correct: number): Pick<ControlRow, "n" | "accuracy" | "interval" | "votes"> => ({
    n: 300,
    accuracy: correct / 300,
    interval: wilson(correct, 300),
    votes: 1,
  });
  return {
    seconds: 98,
    rows: [
      {
        ...row(Math.round(slipless * 300)),
        control: "no-slips",
        setting: think(NATURAL),
        mainSetting: think(NATURAL),
        thinkingTokens: 175,
        mainAccuracy: 0.79,
        mainThinkingTokens: 182,
        difference: slipless - 0.79,
        differenceInterval: [slipless - 0.84, slipless - 0.74],
        onlyControl: 20,
        onlyMain: 17,
        pValue: 0.743,
      },
      {
        ...row(12),
        control: "silent",
        setting: { ...think(NATURAL, 1), silent: true },
        mainSetting: think(NATURAL, 1),
        thinkingTokens: 294,
        mainAccuracy: 0.89,
        mainThinkingTokens: 349,
        difference: -0.85,
        differenceInterval: [-0.89, -0.8],
        onlyControl: 0,
        onlyMain: 255,
        pValue: 1e-70,
        ownWaitShare: 0.05,
      },
      {
        ...row(210),
        control: "vote",
        votes: 2,
        setting: { ...think(NATURAL), temperature: 0.3 },
        mainSetting: think(NATURAL, 1),
        thinkingTokens: 350,
        mainAccuracy: 0.89,
        mainThinkingTokens: 349,
        difference: -0.19,
        differenceInterval: [-0.24, -0.14],
        onlyControl: 3,
        onlyMain: 60,
        pValue: 1e-14,
      },
    ],
    skipped: [{ control: "answers-only", reason: "no room" }],
  };
}
