/** @file A command line without a process: what goes out, the exit status, and services that stand in for the engine. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { readBytes } from "../src/adapters/byte-streams.ts";
import { fileError } from "../src/adapters/file-error.ts";
import { type FileSystem, nodeFileSystem } from "../src/adapters/file-system.ts";
import { AppError } from "../src/core/errors.ts";
import type { EvaluatedModel, ModelOutcome } from "../src/evaluate/evaluated-model.ts";
import type { OpenModelOptions } from "../src/pipeline/evaluation/open-model.ts";
import type { CliContext } from "../src/cli/context.ts";
import { runCli } from "../src/cli/run-cli.ts";
import type { ChatReply, ChatSetting, CliServices } from "../src/pipeline/services.ts";
import type { Stage, StageContext } from "../src/pipeline/stage.ts";
import { STAGE_NAMES } from "../src/schema/manifest.ts";
import type { RunSummary } from "../src/schema/result.ts";
import { fakeTask } from "./fake-task.ts";

/** What a command line left. */
export interface CliOutcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** A machine for command lines, in a temporary folder of its own. */
export interface FakeMachine {
  readonly folder: string;
  /** Whether somebody sits at a terminal and can be asked. */
  canAsk: boolean;
  /** Whether standard output takes colours. */
  hasColor: boolean;
  /** Values of environment variables. */
  readonly secrets: Record<string, string>;
  /** Lines typed into `grappa chat`, or standard input of `grappa grade --jsonl -`. */
  typed: string[];
  /** Called while the named stage runs. */
  during: Partial<Record<string, (context: StageContext) => Promise<void>>>;
  /** Paths for which the disk has no room. */
  isFull: (path: string) => boolean;
  /** Presses Ctrl-C. */
  interrupt(): void;
  /** Every prompt put to the student, with its setting. */
  readonly asked: { prompt: string; setting: ChatSetting }[];
  run(...args: string[]): Promise<CliOutcome>;
}

const SUMMARY: RunSummary = {
  schemaVersion: 1,
  run: "demo-0",
  seconds: 12.5,
  stages: [{ name: "collect", seconds: 0.5 }],
  spentUsd: 0,
  accounts: [],
  judge: null,
  funnel: [{ stage: "collect", kept: 10, dropped: 2 }],
  base: { accuracy: 0, n: 300, interval: [0, 0.01] },
  student: { accuracy: 0.8, n: 300, interval: [0.75, 0.85], thinkingTokens: 180 },
  sweep: [{ budgetTokens: 32, waits: 0, accuracy: 0.1, interval: [0.07, 0.14], thinkingTokens: 32 }],
  verdict: { pValue: 0.0001, sentence: "The student is better." },
  waitClaim: null,
  controls: null,
  wouldHaveCost: {
    basis: "estimated",
    items: [],
    usd: [22.59, 223.48],
    pricesFrom: "2026-09-23",
    pricesTo: "2026-10-07",
    published: { basis: "published", what: "", usdBelow: 50, asOf: "2025-02-05", source: "TechCrunch" },
  },
};

/** A machine whose engine and stages are stand-ins, unless real services are given. */
export async function fakeMachine(services?: CliServices): Promise<FakeMachine> {
  const folder = await mkdtemp(join(tmpdir(), "grappa-cli-"));
  const listeners = new Set<() => void>();
  const machine: FakeMachine = {
    folder,
    typed: [],
    canAsk: false,
    hasColor: false,
    secrets: {},
    during: {},
    isFull: () => false,
    asked: [],
    interrupt: () => {
      for (const listener of Array.from(listeners)) listener(); // listeners go as they are called
    },
    run: async (...args) => {
      const written = { stdout: "", stderr: "" };
      const context = { ...fakeContext(machine, written, listeners), ...(services && { services }) };
      const exitCode = await runCli(context, args);
      const shorten = (text: string): string => text.replaceAll(folder, "HERE").replaceAll(resolve("."), "PACKAGE");
      return { stdout: shorten(written.stdout), stderr: shorten(written.stderr), exitCode };
    },
  };
  return machine;
}

function fakeContext(
  machine: FakeMachine,
  written: { stdout: string; stderr: string },
  listeners: Set<() => void>,
): CliContext {
  const fs = fillableDisk(machine);
  let time = 0;
  const self = { pid: 7, host: "here", birth: "" };
  return {
    process: {
      stdout: { write: (text) => void (written.stdout += text) },
      stderr: { write: (text) => void (written.stderr += text) },
      env: { STRICLI_NO_COLOR: "1" },
    },
    terminal: { isInteractive: false, columns: 80, canAsk: machine.canAsk, hasColor: machine.hasColor },
    settings: { threads: 2, hasColor: false, cacheFolder: join(machine.folder, "cache") },
    secrets: (name) => machine.secrets[name],
    version: "0.0.0-test",
    recipes: {
      fs,
      importDefault: () => Promise.resolve(undefined),
      packageFolder: resolve("."),
      workingFolder: machine.folder,
    },
    fs,
    clock: { now: () => (time += 100), date: () => "2026-01-01T00:00:00.000Z" },
    processes: { self, isAlive: ({ pid }) => pid === 99 },
    machine: { nodeVersion: "v20.0.0", cores: 2 },
    services: fakeServices(machine),
    openInput: () => {
      const lines = machine.typed.values();
      return {
        [Symbol.asyncIterator]: async function* () {
          yield* lines;
        },
        close: () => undefined,
      };
    },
    openBytes: async function* (path) {
      if (path === "-") for (const line of machine.typed) yield Buffer.from(`${line}\n`);
      else yield* readBytes(join(machine.folder, path), new AbortController().signal);
    },
    writeOut: async (text) => {
      written.stdout += text;
      return true;
    },
    onInterrupt: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The real disk, which says that it is full wherever the machine wants it so. */
function fillableDisk(machine: FakeMachine): FileSystem {
  const fs = nodeFileSystem();
  const guard = (path: string): void => {
    if (machine.isFull(path)) throw fileError(path, Object.assign(new Error("no space"), { code: "ENOSPC" }));
  };
  return {
    ...fs,
    writeAtomic: async (path, data) => (guard(path), fs.writeAtomic(path, data)),
    append: async (path, text) => (guard(path), fs.append(path, text)),
    openWriter: async (path) => (guard(path), fs.openWriter(path)),
  };
}

function fakeServices(machine: FakeMachine): CliServices {
  return {
    openRun: async () => ({
      stages: STAGE_NAMES.map((name, place) => fakeStage(machine, name, place)),
      facts: { kernelBuild: "reference" },
      notes: [],
      close: async () => undefined,
    }),
    renderReport: async (options) => {
      if ((await options.fs.kind(join(options.folder, "manifest.json"))) === "none")
        throw new AppError("file-missing", "the run is not finished");
      return { summary: SUMMARY, lines: ["student 80 %, base 0 %"], html: join(options.folder, "report.html") };
    },
    openChat: async () => ({
      model: "demo-0's student",
      maxThinkingTokens: 1024,
      example: "62 a+36 b+27",
      reply: async (prompt, setting): Promise<ChatReply> => {
        machine.asked.push({ prompt, setting });
        if (prompt === "too long") throw new AppError("limit-exceeded", "the prompt is too long");
        return {
          thinking: "a+1 2+1=3\u001b[2J",
          answer: "Answer: 3",
          thinkingTokens: 9,
          answerTokens: 3,
          forcedTokens: 4,
          end: "natural",
        };
      },
      close: async () => undefined,
    }),
    loadTask: async ({ name, limit }) => {
      if (name !== "sums") throw new AppError("usage", `no task is called ${name}`);
      return fakeTask(limit ?? 8);
    },
    openModel: async (options) => fakeModel(machine, options),
    openSandbox: () => Promise.reject(new AppError("sandbox", "no sandbox here can run code")),
  };
}

/** A model that adds rightly but for every third question, and says what it is asked. */
function fakeModel(machine: FakeMachine, options: OpenModelOptions): EvaluatedModel {
  const isStudent = options.kind !== "endpoint";
  const name = options.kind === "endpoint" ? options.model : options.name;
  let asked = 0;
  return {
    generatedTokens: () => 14 * asked,
    facts: { kind: isStudent ? "student" : "chat", name, digest: isStudent ? "d".repeat(64) : null },
    maxTokens: 100,
    answerTokens: isStudent ? 10 : null,
    spentMicroUsd: () => (isStudent ? 0 : asked * 1000),
    close: async () => undefined,
    async *answer(requests, { signal }): AsyncGenerator<ModelOutcome> {
      for (const { questionId, prompt, sampleIndex, settings } of requests) {
        for (const setting of settings) {
          asked += 1;
          await machine.during["answer"]?.({ signal } as StageContext);
          signal.throwIfAborted();
          const sum = Number.parseInt(prompt, 10) + 1;
          const answer = String(setting.mode === "direct" || sum % 3 === 0 ? sum + 1 : sum);
          const counts = { promptTokens: 3, thinkingTokens: setting.mode === "direct" ? 0 : 12, completionTokens: 14 };
          const reply = {
            promptHash: "e".repeat(64),
            thinking: "hm",
            answer,
            ...counts,
            finishReason: "stop" as const,
          };
          const cost = { isThinkingCut: setting.budgetTokens === 16, costMicroUsd: isStudent ? 0 : 1000 };
          yield { type: "reply", questionId, sampleIndex, setting, reply: { ...reply, ...cost } };
        }
      }
    },
  };
}

function fakeStage(machine: FakeMachine, name: (typeof STAGE_NAMES)[number], place: number): Stage {
  return {
    name,
    inputs: STAGE_NAMES.slice(Math.max(0, place - 1), place),
    facts: [],
    codeVersion: 1,
    config: ({ seed }) => (name === "collect" ? { seed } : {}),
    plan: () => `${name} something`,
    run: async (context) => {
      await machine.during[name]?.(context);
      await context.output.writeRows("rows.jsonl", [{ name }]);
      return {};
    },
  };
}
