import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { completion, type Script, type ScriptedServer, send, startScriptedServer } from "./scripted-server.ts";
import { numberedQuestions, type TracedFolder, tracedFolder } from "./traced-folder.ts";

const KEY = "sk-planted-0123456789abcdef";

let folder: TracedFolder;
let server: ScriptedServer;
beforeEach(async () => void (folder = await tracedFolder()));
afterEach(async () => {
  await server.close();
  await folder.remove();
});

async function folderText(): Promise<string> {
  const files = await readdir(folder.path, { recursive: true, withFileTypes: true });
  const texts = files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), "utf8"));
  return (await Promise.all(texts)).join("\n");
}

/** Everything an error can show: of its causes too. */
function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.message}\n${error.stack}\n${JSON.stringify(error)}\n${errorText(error.cause)}`;
}

const echo = { authorization: `Bearer ${KEY}`, "x-debug": KEY, "x-request-id": KEY };
const shows: [string, Script][] = [
  ["its replies", (response) => send(response, completion(`your key is ${KEY}`, KEY), 200, echo)],
  ["replies that cannot be read", (response) => send(response, `{"choices": "${KEY}"`, 200, echo)],
  ["refusals of a question", (response) => send(response, `{"error":"bad ${KEY}"}`, 400, echo)],
  ["refusals of everything", (response) => send(response, `{"error":"wrong key ${KEY}"}`, 401, echo)],
  ["redirects", (response) => send(response, "", 302, { location: `http://127.0.0.1:9/${KEY}`, ...echo })],
  ["refusals for now", (response) => send(response, `{"error":"slow down ${KEY}"}`, 503, echo)],
];

describe("a server that shows the key", () => {
  it.each(shows)("in %s puts it into no file, record or error", async (_where, script) => {
    server = await startScriptedServer(script);
    const printed: string[] = [];
    const { outcomes, error } = await folder.trace(numberedQuestions(3), {
      baseUrl: server.baseUrl,
      apiKey: KEY,
      maxRetries: 0,
      onRetry: (retried) => printed.push(errorText(retried)),
    });
    expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
    const all = [await folderText(), JSON.stringify(outcomes), errorText(error), ...printed].join("\n");
    expect(all).toContain('"type":"intent"');
    expect(all).not.toContain(KEY);
  });
});
