/** @file Many clients of one server at once: streams that are read to the end or left, and abuses among them. */
import { Agent } from "node:http";
import { prng } from "../../src/core/prng.ts";
import { ABUSES, faultOf, isOpenAiError } from "./abuses.ts";
import { ask, type Asked, type Leaving, replyOf, type StreamedReply } from "./ask-stream.ts";

/** Clients that send the same key. */
export interface KeyClients {
  readonly key: string;
  /** Streams that each of them keeps open, one after another. */
  readonly streams: number;
}

/** What a load is made of. */
export interface LoadPlan {
  readonly url: string;
  readonly model: string;
  readonly clients: readonly KeyClients[];
  /** Bodies without model and stream. */
  readonly questions: readonly object[];
  /** How long clients go on to ask, and longer until each stream was served once; what is under way then is read to its end. */
  readonly seconds: number;
  /** Of the requests, how many are left before their end. */
  readonly leavingShare: number;
  /** Pause between two abuses, milliseconds. */
  readonly abuseEveryMs: number;
}

/** What came of it. */
export interface LoadOutcome {
  /** Replies that were read to the end, by question. */
  readonly replies: readonly (readonly StreamedReply[])[];
  /** For each stream of each client in order, how many replies it read to the end. */
  readonly served: readonly (readonly number[])[];
  readonly left: number;
  /** Requests that were answered with 429. */
  readonly crowded: number;
  /** Everything else that should not be. */
  readonly faults: readonly string[];
  readonly abuses: number;
  /** Answers of /health, slowest first, milliseconds. */
  readonly healthMs: readonly number[];
}

/** The replies that an unloaded server gives. */
export async function askAlone(
  plan: Pick<LoadPlan, "url" | "model" | "questions">,
  key: string,
): Promise<StreamedReply[]> {
  const agent = new Agent({ keepAlive: true });
  const replies: StreamedReply[] = [];
  for (const question of plan.questions) {
    const asked = await ask({ ...requestOf(plan, key, question), agent });
    const reply = asked.kind === "answered" ? replyOf(asked.body) : undefined;
    if (reply === undefined) throw new Error(`no reply from an unloaded server: ${JSON.stringify(asked)}`);
    replies.push(reply);
  }
  agent.destroy();
  return replies;
}

/** Puts the load on a server. */
export async function runLoad(plan: LoadPlan): Promise<LoadOutcome> {
  const until = performance.now() + plan.seconds * 1000;
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  const outcome = {
    replies: plan.questions.map((): StreamedReply[] => []),
    served: plan.clients.map(({ streams }) => Array.from({ length: streams }, () => 0)),
    left: 0,
    crowded: 0,
    faults: [] as string[],
    abuses: 0,
    healthMs: [] as number[],
  };
  const streamOf = async (client: number, stream: number): Promise<void> => {
    const random = prng(`stream ${client}/${stream}`);
    const served = outcome.served[client]!;
    // A busy machine takes a while even to connect: libuv accepts one connection in each turn of a server's loop.
    while (performance.now() < until || served[stream] === 0) {
      const question = random.int(0, plan.questions.length - 1);
      const leaving: Leaving =
        random.next() >= plan.leavingShare ? undefined : random.next() < 0.5 ? "at once" : "at the first text";
      const wanted = requestOf(plan, plan.clients[client]!.key, plan.questions[question]!);
      const asked = await ask({ ...wanted, agent, leaving });
      if (asked.kind === "left") outcome.left += 1;
      else if (isCrowdedOut(asked)) {
        outcome.crowded += 1;
        await pause(200);
      } else {
        const reply = asked.kind === "answered" && asked.status === 200 ? replyOf(asked.body) : undefined;
        if (reply === undefined) outcome.faults.push(JSON.stringify(asked).slice(0, 500));
        else outcome.replies[question]!.push(reply);
        if (reply !== undefined) served[stream]! += 1;
      }
    }
  };
  const abuse = async (): Promise<void> => {
    const key = plan.clients[0]!.key;
    for (let k = 0; performance.now() < until; k++) {
      const one = ABUSES[k % ABUSES.length]!;
      const asked = await one.send({ url: plan.url, agent, key, model: plan.model });
      const fault = faultOf(one, asked);
      if (one.mayBeCrowdedOut && isCrowdedOut(asked)) outcome.crowded += 1;
      else if (fault !== undefined) outcome.faults.push(fault);
      outcome.abuses += 1;
      await pause(plan.abuseEveryMs);
    }
  };
  const watch = async (): Promise<void> => {
    while (performance.now() < until) {
      const started = performance.now();
      const asked = await ask({ url: `${plan.url}/health`, agent, method: "GET", headers: {} });
      if (asked.kind !== "answered" || asked.status !== 200) outcome.faults.push(`health: ${JSON.stringify(asked)}`);
      outcome.healthMs.push(performance.now() - started);
      await pause(250);
    }
  };
  const streams = plan.clients.flatMap(({ streams: count }, client) =>
    Array.from({ length: count }, (_, stream) => streamOf(client, stream)),
  );
  await Promise.all([...streams, abuse(), watch()]);
  agent.destroy();
  outcome.healthMs.sort((a, b) => b - a);
  return outcome;
}

function requestOf({ url, model }: Pick<LoadPlan, "url" | "model">, key: string, question: object) {
  return {
    url: `${url}/v1/chat/completions`,
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({ model, stream: true, ...question }),
  };
}

/** Whether it was told that no place is left. */
const isCrowdedOut = (asked: Asked): boolean =>
  asked.kind === "answered" && asked.status === 429 && isOpenAiError(asked.body);

const pause = (ms: number): Promise<void> => new Promise((settle) => setTimeout(settle, ms));
