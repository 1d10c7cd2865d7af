import { afterEach, describe, expect, it } from "vitest";
import { startFakeAnthropic } from "../../../test/teacher/fakes/fake-anthropic.ts";
import { startFakeGemini } from "../../../test/teacher/fakes/fake-gemini.ts";
import { startFakeOpenAI } from "../../../test/teacher/fakes/fake-openai-compatible.ts";
import { startFakeResponses } from "../../../test/teacher/fakes/fake-openai-responses.ts";
import { AppError } from "../../core/errors.ts";
import { Endpoint } from "../../schema/endpoint.ts";
import { type EndpointPorts, openEndpoint, samplingParams } from "./open-endpoint.ts";

const KEY = "key-planted-0123456789abcdef";
const never = new AbortController().signal;
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close();
});

const ports: EndpointPorts = {
  secrets: (name) => (name === "SET" ? KEY : undefined),
  readKeyFile: (path) => ({ "good.key": `  ${KEY}\n`, "long.key": `${KEY}\n`.repeat(400) })[path] ?? "",
};

function thrown(make: () => unknown): AppError {
  try {
    make();
  } catch (error) {
    if (error instanceof AppError) return error;
  }
  throw new Error("an AppError was expected");
}

describe("an endpoint of each type", () => {
  const reply = (): { thinking: string; answer: string } => ({ thinking: "t", answer: "2" });
  const fake = { reply, apiKey: KEY, model: "m" };
  const TYPES = [
    ["openai-compatible", startFakeOpenAI, { temperature: 0.6, topP: 0.9, reasoningEffort: "high" }, "raw"],
    ["gemini", startFakeGemini, { temperature: 0.6, topP: 0.9, thinkingLevel: "high" }, "summary"],
    ["anthropic", startFakeAnthropic, { topP: 0.97, thinkingBudget: 1024 }, "summary"],
    ["openai", startFakeResponses, { temperature: 0.6, topP: 0.9, reasoningEffort: "high" }, "hidden"],
  ] as const;

  it.each(TYPES)("%s answers with all that a recipe can set", async (type, start, fields, reasoning) => {
    const server = await start(fake);
    open.push(server);
    for (const key of [{ apiKeyEnv: "SET" }, { apiKeyEnv: "UNSET", apiKeyFile: "good.key" }]) {
      const endpoint = Endpoint.parse({ type, model: "m", baseUrl: server.baseUrl, name: "mine", ...fields, ...key });
      const teacher = openEndpoint(endpoint, ports, "the judge");
      open.push(teacher);
      expect(teacher).toMatchObject({ provider: "mine", model: "m", reasoning });
      const params = samplingParams(endpoint);
      const asked = { messages: [{ role: "user", content: "1+1?" }], params, maxTokens: 2000, retry: 0 } as const;
      expect((await teacher.ask(asked, never)).answer).toBe("2");
    }
  });

  it.each(TYPES)("%s names the key that is missing, and shows none", (type) => {
    const given = { type, model: "m", baseUrl: "https://127.0.0.1/v1" };
    const ask = (key: object): AppError =>
      thrown(() => openEndpoint(Endpoint.parse({ ...given, ...key }), ports, "the judge"));
    expect(ask({ apiKeyEnv: "UNSET" }).message).toContain("UNSET");
    expect(ask({ apiKeyFile: "empty.key" }).message).toBe("the judge's key file empty.key holds nothing");
    const long = ask({ apiKeyFile: "long.key" });
    expect(long.message).toBe("the judge's key file long.key holds no key");
    expect(JSON.stringify([long.message, long.hint, long.data])).not.toContain(KEY);
  });
});

describe("fields that an API would refuse, row by row, are refused at once", () => {
  it.each([
    [{ type: "gemini", thinkingBudget: 10, thinkingLevel: "low" }, "both a thinkingBudget and a thinkingLevel"],
    [{ type: "anthropic", thinkingBudget: 2000, maxTokens: 2000 }, "leaves nothing of maxTokens 2000"],
    [{ type: "anthropic", thinkingBudget: 2000, temperature: 0.6 }, "takes no temperature"],
    [{ type: "anthropic", thinkingBudget: 2000, topP: 0.9 }, "takes no topP"],
  ])("%j", (fields, message) => {
    const endpoint = Endpoint.parse({ model: "m", apiKeyEnv: "SET", ...fields });
    const error = thrown(() => openEndpoint(endpoint, ports, "the teacher"));
    expect(error.code).toBe("recipe-invalid");
    expect(error.message).toContain(message);
  });
});
