// Every model of s1's recipe, made up and in a process of its own: the teacher, two students, and the judge that grades and sorts.
// node test/slow/s1-models.mjs: prints its port. /ROLE/v1/chat/completions, ROLE one of teacher, student-7b, student-32b, judge;
// GET /counts gives what was asked. Everything is drawn from a hash of what it is asked, so that any order gives the same.
import { createServer } from "node:http";
import { isRight, share } from "./s1-draws.mjs";

const CODES = [
  "05",
  "11",
  "12",
  "15",
  "20",
  "26",
  "30",
  "33",
  "34",
  "51",
  "52",
  "60",
  "68",
  "70",
  "78",
  "80",
  "81",
  "85",
  "92",
  "97",
];
/** The judge says nothing that can be read, at any try, of so many questions. */
const SILENT_SHARE = 0.002;

const asked = { teacher: 0, "student-7b": 0, "student-32b": 0, graded: 0, sorted: 0 };
function answerOf(role, prompt) {
  if (role !== "judge") {
    asked[role] += 1;
    return `Therefore it is ${isRight(role, prompt) ? "RIGHT" : "WRONG"}.`;
  }
  if (prompt.startsWith("You sort questions")) {
    asked.sorted += 1;
    if (share("silent", prompt) < SILENT_SHARE) return "Subject: whatever you like";
    return `Reasons.\nSubject: ${CODES[Math.floor(CODES.length * share("domain", prompt) ** 2)]}`;
  }
  asked.graded += 1;
  return `Reasons.\nVerdict: ${prompt.slice(prompt.lastIndexOf("\nreply #")).includes("RIGHT") ? "correct" : "incorrect"}`;
}

/** Lengths somewhat below s1's, so that its seeds leave room for draws: a long tail, in steps that make ties. */
function thinkingTokens(prompt) {
  const [u, v] = [share("u", prompt) || 1e-9, share("v", prompt)];
  const normal = Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v);
  return Math.min(30_000, 25 * Math.round((2_300 * Math.exp(0.6 * normal)) / 25));
}

async function answer(request, response) {
  response.setHeader("content-type", "application/json");
  if (request.url === "/counts") return response.end(JSON.stringify(asked));
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const { messages } = JSON.parse(Buffer.concat(chunks).toString());
  const role = request.url.split("/")[1];
  const prompt = messages.at(-1).content;
  const reasoning = thinkingTokens(prompt);
  const message = { role: "assistant", reasoning_content: "Let me think about it.", content: answerOf(role, prompt) };
  const usage = {
    prompt_tokens: 20,
    completion_tokens: reasoning + 10,
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
  return response.end(JSON.stringify({ choices: [{ index: 0, finish_reason: "stop", message }], usage }));
}

const server = createServer((request, response) => answer(request, response).catch(() => response.destroy()));
server.keepAliveTimeout = 600_000; // clients that come back to an idle connection must find it open
server.listen(0, "127.0.0.1", 2048, () => console.log(server.address().port));
process.on("disconnect", () => process.exit());
