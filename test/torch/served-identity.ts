/** @file The identity checkpoint behind servers of completions, compared with the embedded engine reply by reply. */
import type { Generation } from "../../src/decode/row.ts";
import { openServedModel } from "../../src/server/open-served-model.ts";
import { openUpstreamModel } from "../../src/server/open-upstream-model.ts";
import type { ServedModel } from "../../src/server/served-model.ts";
import {
  type Asked,
  everyQuestion,
  expectEveryKind,
  expectSame,
  FIVE_BUDGETS,
  IDENTITY_FOLDER,
  repliesOf,
} from "../identity.ts";
import type { PythonServer } from "./python-server.ts";

const usual = { id: "demo", slots: 4, waits: 0, waitText: "Wait" };
/** Context of every server. */
export const IDENTITY_CONTEXT = 1024;

/** The embedded engine's replies, and the servers that are held to them. */
export class ServedIdentity {
  readonly #all: readonly Asked[] = everyQuestion();
  readonly #servers: PythonServer[] = [];
  readonly #reference: readonly Generation[];

  private constructor(reference: readonly Generation[]) {
    this.#reference = reference;
  }

  /** Asks the embedded engine. */
  static async open(): Promise<ServedIdentity> {
    const embedded = await openServedModel({ ...usual, threads: 1, folder: IDENTITY_FOLDER });
    const reference = await repliesOf(embedded, everyQuestion());
    await embedded.runtime.close();
    return new ServedIdentity(reference);
  }

  /** Opens what is served, through the door of `grappa serve --upstream`; the server is this one's to stop. */
  async openAt(server: PythonServer, model: string): Promise<ServedModel> {
    this.#servers.push(server);
    const more = { tokenizerFolder: IDENTITY_FOLDER, contextTokens: IDENTITY_CONTEXT, spellings: "refuse" } as const;
    return await openUpstreamModel({ ...usual, ...more, upstream: server.baseUrl, model });
  }

  /** Expects the same replies to every `step`th prompt, under all budgets; closes the model. */
  async compare(name: string, model: ServedModel, step = 1): Promise<void> {
    const isAsked = (_: unknown, place: number): boolean => Math.floor(place / FIVE_BUDGETS.length) % step === 0;
    const asked = this.#all.filter(isAsked);
    const replies = await repliesOf(model, asked);
    await model.runtime.close();
    const parted = await expectSame(asked, this.#reference.filter(isAsked), replies);
    console.info(`${name}: ${parted} of ${asked.length} replies part, at near ties`);
    expectEveryKind(model, replies);
  }

  /** Stops every server. */
  async close(): Promise<void> {
    for (const server of this.#servers.splice(0)) await server.stop();
  }
}
