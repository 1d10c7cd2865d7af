import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { existsSync, mkdtempSync, rmSync, writeFileSync, chmodSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { runPool } from "../../src/adapters/sandbox/run-pool.ts";
import type { CodeLimits, CodeRunner } from "../../src/grade/code/code-runner.ts";
import { type Attack, type Bait, type Column, type Expectation, expectationOf, hasEscaped } from "./attacks.ts";

/** One cell of the table. */
export interface AttackRow {
  readonly attack: string;
  readonly expected: Expectation;
  readonly observed: Expectation;
  /** What the run looked like, for the table's reader. */
  readonly detail: string;
}

const LIMITS: CodeLimits = {
  wallMs: 2500,
  cpuSeconds: 3,
  memoryBytes: 1 << 30,
  processes: 32,
  fileBytes: 16 << 20,
  outputBytes: 65_536,
};

const SECRET = "k3y-0f-th3-h0us3";

/** The host that is attacked. */
export async function openHost(): Promise<{ bait: Bait; reached(): number; isWhole(): boolean; close(): void }> {
  let packets = 0;
  const tcp = createServer((socket) => {
    packets += 1;
    socket.on("error", () => undefined).end("y");
  }).listen(0, "127.0.0.1");
  const udp = createSocket("udp4", (_message, { port }) => {
    packets += 1;
    udp.send("y", port, "127.0.0.1");
  }).bind(0, "127.0.0.1");
  await Promise.all([tcp, udp].map((server) => new Promise((resolve) => server.once("listening", resolve))));
  const folder = mkdtempSync(join(tmpdir(), "grappa-bait-"));
  chmodSync(folder, 0o777);
  const secretFile = join(folder, "secret");
  writeFileSync(secretFile, SECRET, { mode: 0o644 });
  const bystander = spawn("sleep", ["3600"], { stdio: "ignore" });
  const hostFile = join(folder, "written");
  return {
    bait: {
      tcpPort: (tcp.address() as AddressInfo).port,
      udpPort: udp.address().port,
      hostFile,
      secretFile,
      secret: SECRET,
    },
    reached: () => packets,
    isWhole: () => bystander.exitCode === null && bystander.signalCode === null && !existsSync(hostFile),
    close: () => {
      bystander.kill();
      tcp.close();
      udp.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Runs attacks, so many at a time, each against a host of its own; after them the sandbox must still run a plain program. */
export async function runAttacks(runner: CodeRunner, attacks: readonly Attack[], column: Column): Promise<AttackRow[]> {
  const signal = new AbortController().signal;
  const pool = runPool(column.startsWith("pyodide") ? 2 : 4);
  const rows = await Promise.all(
    attacks.map(async (attack) => {
      const expected = expectationOf(attack, column);
      if (expected === null) return [];
      if (expected === "untried")
        return [{ attack: attack.name, expected, observed: expected, detail: "it could harm this machine" }];
      return [await pool(() => runAttack(runner, { attack, expected }, signal), signal)];
    }),
  );
  await expectAlive(runner, signal);
  return rows.flat();
}

async function runAttack(
  runner: CodeRunner,
  { attack, expected }: { attack: Attack; expected: Expectation },
  signal: AbortSignal,
): Promise<AttackRow> {
  const host = await openHost();
  try {
    const files = { "main.py": attack.code(host.bait) };
    const limits = { ...LIMITS, wallMs: attack.wallMs ?? LIMITS.wallMs };
    const result = await runner.run({ language: "python", files, stdin: "", limits }, signal);
    // What it left behind would show a little later.
    if (attack.name.startsWith("leaves a process")) await new Promise((resolve) => setTimeout(resolve, 4000));
    const isOpen = hasEscaped(attack, result) || host.reached() > 0 || !host.isWhole();
    const said =
      result.stdout
        .replace(/x{20,}/g, "xx")
        .trim()
        .split("\n")
        .at(-1) ?? "";
    return {
      attack: attack.name,
      expected,
      observed: isOpen || result.status === "sandbox_error" ? "open" : "contained",
      detail: `${result.status}, ${Math.round(result.wallMs)} ms; ${said.slice(0, 60)}`,
    };
  } finally {
    host.close();
  }
}

async function expectAlive(runner: CodeRunner, signal: AbortSignal): Promise<void> {
  const files = { "main.py": "print(6 * 7)" };
  const result = await runner.run({ language: "python", files, stdin: "", limits: LIMITS }, signal);
  if (result.stdout !== "42\n") throw new Error(`the sandbox no longer runs programs: ${JSON.stringify(result)}`);
}

/** The table as text, its sums last. */
export function tableOf(title: string, rows: readonly AttackRow[]): string {
  const lines = rows.map(({ attack, observed, detail }) => `  ${attack.padEnd(46)} ${observed.padEnd(10)} ${detail}`);
  const sums = (["contained", "open", "untried"] as const).map(
    (outcome) => `${rows.filter(({ observed }) => observed === outcome).length} ${outcome}`,
  );
  return `\n${title}\n${lines.join("\n")}\n= ${title}: ${sums.join(", ")}\n`;
}

/** Attacks a sandbox and prints the table; or prints why there is none. */
export async function attack(
  { title, column, attacks }: { title: string; column: Column; attacks: readonly Attack[] },
  opened: Promise<CodeRunner | string>,
): Promise<void> {
  const runner = await opened.catch((error: Error) => error.message);
  if (typeof runner === "string") {
    console.log(`SKIP ${title}: ${runner}`);
    return;
  }
  try {
    const rows = await runAttacks(runner, attacks, column);
    console.log(tableOf(`${title}, ${runner.version}${runner.isPartial ? " (partial)" : ""}`, rows));
    expect(rows.filter(({ expected, observed }) => observed !== expected)).toEqual([]);
    expect(rows.length).toBeGreaterThan(10);
    expect(runner.isPartial).toBe(column === "pyodide alone" || column === "unsafe-local");
  } finally {
    await runner.close();
  }
}
