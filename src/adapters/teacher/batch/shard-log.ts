/**
 * @file What we know of our batches: `batches/NAME.jsonl` beside the journal, append-only, one file an endpoint and stage.
 * Each step is written down before the next is taken, so that after a crash at any moment a batch is found again: planned
 * (its intents are being journalled), prepared (it may have been started), submitted, cancelling, ended.
 */
import { mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { SCHEMA_VERSION } from "../../../schema/records.ts";
import { AppendLog } from "../../store/append-log.ts";
import { parseRecord } from "../../store/jsonl.ts";
import { readLines } from "../../store/read-lines.ts";

const common = { schemaVersion: z.literal(SCHEMA_VERSION), shard: z.string().regex(/^[0-9a-f]{16}$/) };
const text = z.string().max(1024);

const PlannedRequest = z.strictObject({
  key: z.string().regex(/^[0-9a-f]{16}$/),
  maxTokens: z.int().min(1),
  promptBytes: z.int().min(0),
});
/** What must be known of a request to read its reply, whether or not it is still asked for. */
export type PlannedRequest = z.infer<typeof PlannedRequest>;

const ShardLine = z.discriminatedUnion("type", [
  z.strictObject({
    ...common,
    type: z.literal("planned"),
    /** Milliseconds since 1970: the deadline counts from here. */
    atMs: z.int().min(0),
    requests: z.array(PlannedRequest).min(1),
  }),
  z.strictObject({ ...common, type: z.literal("prepared"), reference: text }),
  z.strictObject({ ...common, type: z.literal("submitted"), handle: text }),
  z.strictObject({ ...common, type: z.literal("cancelling") }),
  z.strictObject({ ...common, type: z.literal("ended"), how: text }),
]);
type ShardLine = z.infer<typeof ShardLine>;

/** A batch that has not ended. */
export interface LiveShard {
  readonly name: string;
  readonly atMs: number;
  readonly requests: readonly PlannedRequest[];
  /** What `prepare` gave; absent: it was certainly not started. */
  readonly reference?: string;
  /** The provider's name for it; absent: it may have been started. */
  readonly handle?: string;
  readonly isCancelling?: boolean;
}

/** See the file's head. One writer at a time. */
export class ShardLog {
  /** What earlier processes left. */
  readonly live: readonly LiveShard[];
  readonly #log: AppendLog;

  private constructor(log: AppendLog, live: readonly LiveShard[]) {
    this.#log = log;
    this.live = live;
  }

  /** @throws {AppError} `file-corrupt`, `record-invalid` or `schema-version`, with file and line; `disk-full`. */
  static async open(path: string): Promise<ShardLog> {
    await mkdir(dirname(path), { recursive: true });
    const log = await AppendLog.open(path);
    try {
      const shards = new Map<string, LiveShard>();
      for await (const line of readLines(path)) apply(shards, parseRecord(path, line, ShardLine));
      return new ShardLog(log, [...shards.values()]);
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  /** Writes down a step; resolves when it is on the disk. Only then may the next be taken. */
  async write(step: WithoutVersion<ShardLine>): Promise<void> {
    await this.#log.append({ schemaVersion: SCHEMA_VERSION, ...step });
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}

/**
 * The batches of a run that have not ended, each with the path of the file that remembers it: a later run takes their
 * replies. Changes nothing; none where there is no such folder.
 *
 * @param journalFolder where the journal lies.
 */
export async function liveBatches(journalFolder: string): Promise<ReadonlyMap<string, string>> {
  const folder = join(journalFolder, BATCHES_FOLDER);
  const names = await readdir(folder).catch(() => []);
  const live = new Map<string, string>();
  for (const name of names.filter((one) => one.endsWith(".jsonl"))) {
    const path = join(folder, name);
    const shards = new Map<string, LiveShard>();
    for await (const line of readLines(path)) if (line.isTerminated) apply(shards, parseRecord(path, line, ShardLine));
    for (const shard of shards.keys()) live.set(shard, path);
  }
  return live;
}

/** Folder of these files, beside the journal. */
export const BATCHES_FOLDER = "batches";

type WithoutVersion<T> = T extends unknown ? Omit<T, "schemaVersion"> : never;

function apply(shards: Map<string, LiveShard>, line: ShardLine): void {
  const name = line.shard;
  const known = shards.get(name);
  if (line.type === "planned") shards.set(name, { name, atMs: line.atMs, requests: line.requests });
  else if (line.type === "ended") shards.delete(name);
  else if (known !== undefined) shards.set(name, { ...known, ...stepOf(line) });
}

function stepOf(line: Exclude<ShardLine, { type: "planned" | "ended" }>): Partial<LiveShard> {
  if (line.type === "prepared") return { reference: line.reference };
  return line.type === "submitted" ? { handle: line.handle } : { isCancelling: true };
}
