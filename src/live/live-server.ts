/** @file The student's side: opens the models once, then answers one question at a time, all models side by side. */
import { AppError } from "../core/errors.ts";
import type { LiveModelName } from "../report/live-student.ts";
import { type LiveModels, openLiveModels } from "./live-models.ts";
import type { FromStudent, LiveQuestionAsked, ToStudent } from "./live-protocol.ts";
import { hostPausePorts, pauser, type PausePorts } from "./pause.ts";
import { think } from "./think.ts";

/** Takes messages of the page; what comes of them is posted. */
export function liveServer(
  post: (message: FromStudent) => void,
  ports: PausePorts = hostPausePorts(),
): (message: ToStudent) => void {
  let models: Promise<LiveModels> | undefined;
  let stop = new AbortController();
  let last: Promise<unknown> = Promise.resolve();

  const answer = async (asked: LiveQuestionAsked, signal: AbortSignal): Promise<void> => {
    if (models === undefined) throw new Error("bug in grappa: a question before there is a student");
    const opened = await models;
    const one = (model: LiveModelName): Promise<void> =>
      answerOne(opened, { ...asked, model }, { post, signal, ports });
    await Promise.all([...opened.sources.keys()].map(one));
  };

  return (message) => {
    switch (message.type) {
      case "open":
        models = openLiveModels(message.payload, message.blocks);
        models.then(
          () => post({ type: "ready" }),
          (error: unknown) => post({ type: "failed", id: null, message: messageOf(error) }),
        );
        break;
      case "stop":
        stop.abort();
        break;
      case "think": {
        stop.abort();
        stop = new AbortController();
        const { signal } = stop;
        // One after another: a model has one sequence, and the question before must have let go of it.
        last = last
          .then(() => answer(message, signal))
          .catch((error: unknown) => post({ type: "failed", id: message.id, message: messageOf(error) }));
      }
    }
  };
}

async function answerOne(
  models: LiveModels,
  asked: LiveQuestionAsked & { readonly model: LiveModelName },
  { post, signal, ports }: { post: (message: FromStudent) => void; signal: AbortSignal; ports: PausePorts },
): Promise<void> {
  const { id, model } = asked;
  try {
    const reply = await think(models, asked, {
      signal,
      onPieces: (pieces) => post({ type: "pieces", id, model, pieces }),
      pause: pauser(asked.tokensPerSecond, ports),
      now: ports.now,
    });
    post({ type: "reply", id, model, reply });
  } catch (error) {
    if (!(error instanceof AppError && error.code === "interrupted")) throw error;
    post({ type: "stopped", id, model });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
