import { spawn } from "node:child_process";
import { afterEach, expect, test } from "vitest";
import { fakeMachine } from "./fake-cli.ts";
import { startUpstream } from "./serve/fake-upstream.ts";
import { parseEffort, serveKeys } from "../src/cli/serve-flags.ts";

const children: ReturnType<typeof spawn>[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

const start = async (...args: string[]) => {
  const [model, ...flags] = args;
  const child = spawn(process.execPath, ["dist/cli/main.js", "serve", model!, "--port", "0", "--json", ...flags], {
    env: { ...process.env, SERVE_KEYS: "alpha, beta", UPSTREAM_KEY: "upstream-key" },
  });
  children.push(child);
  let [out, error] = ["", ""];
  child.stderr!.on("data", (data: Buffer) => (error += String(data)));
  const told = await new Promise<{ url: string }>((resolve, reject) => {
    child.stdout!.on("data", (data: Buffer) => {
      out += String(data);
      if (out.includes("\n")) resolve(JSON.parse(out) as { url: string });
    });
    child.on("exit", (code) => reject(new Error(`ended with ${code}: ${error}`)));
  });
  return { child, url: told.url };
};

const ask = (url: string, key?: string) =>
  fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ model: "student", messages: [{ role: "user", content: "1 a+2" }], reasoning_effort: "low" }),
  });

test("serves with keys from the environment and ends on SIGTERM with what was under way done", async () => {
  const { child, url } = await start("demo-base", "--keys-env", "SERVE_KEYS", "--name", "student", "--effort", "low=5");
  expect((await ask(url)).status).toBe(401);
  const reply = await ask(url, "beta");
  expect(reply.status).toBe(200);
  const { usage } = (await reply.json()) as { usage: { completion_tokens_details: { reasoning_tokens: number } } };
  expect(usage.completion_tokens_details.reasoning_tokens).toBeLessThanOrEqual(5);
  const last = ask(url, "alpha");
  await new Promise((resolve) => setTimeout(resolve, 30));
  child.removeAllListeners("exit");
  const ended = new Promise((resolve) => child.on("exit", (code) => resolve(code)));
  child.kill("SIGTERM");
  expect((await last).status).toBe(200);
  expect(await ended).toBe(0);
});

test("keeps the budget in front of another server", async () => {
  const upstream = await startUpstream({ apiKey: "upstream-key" });
  try {
    const flags = ["--upstream", upstream.baseUrl, "--tokenizer", "demo-base", "--upstream-key-env", "UPSTREAM_KEY"];
    const { child, url } = await start("student", ...flags, "--context", "200", "--effort", "low=5");
    const reply = await ask(url);
    expect(reply.status).toBe(200);
    const { usage } = (await reply.json()) as { usage: { completion_tokens_details: { reasoning_tokens: number } } };
    expect(usage.completion_tokens_details.reasoning_tokens).toBeLessThanOrEqual(5);
    expect(upstream.bodies.at(-1)).toMatchObject({ model: "student", stream: true });
    child.removeAllListeners("exit");
    const ended = new Promise((resolve) => child.on("exit", (code) => resolve(code)));
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  } finally {
    await upstream.close();
  }
});

test("what it refuses before it loads anything", async () => {
  const machine = await fakeMachine();
  const refused = async (...args: string[]) => {
    const { exitCode, stderr } = await machine.run("serve", ...args);
    expect(exitCode).toBe(2);
    return stderr;
  };
  expect(await refused("demo-base", "--host", "0.0.0.0")).toContain("no key is asked for");
  expect(await refused("demo-base", "--keys-env", "NOT_SET")).toContain("NOT_SET is not set");
  expect(await refused("demo-base", "--effort", "extreme=5")).toContain("low=512");
  expect(await refused("student", "--upstream", "http://127.0.0.1:1/v1")).toContain("--upstream needs --tokenizer");
  expect(await refused("demo-base", "--tokenizer", "demo-base")).toContain("is for a GGUF or --upstream");
  expect(await refused("demo-base", "--neutralise")).toContain("belong to --upstream");
  const upstream = ["--upstream", "http://127.0.0.1:1/v1", "--tokenizer", "demo-base", "--upstream-key-env"];
  expect(await refused("student", ...upstream, "UPSTREAM_KEY")).toContain("UPSTREAM_KEY is not set");
  expect(await refused("student", ...upstream, "sk-a/real-key")).not.toContain("real-key");
  expect(() => parseEffort("low=1e9")).toThrow("expected an effort");
  expect(serveKeys({ host: "0.0.0.0", keysEnv: "K" }, () => " a ,,b")).toEqual(["a", "b"]);
});
