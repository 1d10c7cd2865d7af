/** @file Answers what the page asks, from the folders of runs alone. Reading changes nothing, and works while runs go on. */
import type { FileSystem } from "../../adapters/file-system.ts";
import type { ProcessTable } from "../../adapters/process-table.ts";
import type { Clock } from "../../adapters/system-clock.ts";
import { AppError } from "../../core/errors.ts";
import { sumSpending, type Spending } from "../../ledger/spending.ts";
import type { PageApi, PageQuery, PageRoute, RunRoute } from "../../report/page/page-api.ts";
import { type RunList, type RunRow, unreadableRow } from "../../report/page/run-list.ts";
import { journalFolder } from "../run-folder.ts";
import { readPurchases } from "../run-spending.ts";
import { EventLog } from "./event-log.ts";
import { Kept } from "./kept.ts";
import { readCuration, readDropped } from "./read-curation.ts";
import { readAnswer, readAnswers } from "./read-answers.ts";
import { readChat } from "./read-chat.ts";
import { readCompare } from "./read-compare.ts";
import { readEvaluation } from "./read-evaluation.ts";
import { readFunnel } from "./read-funnel.ts";
import { readMoney } from "./read-money.ts";
import { overviewOf, rowOf, unreadableOverview } from "./read-overview.ts";
import { readTraining } from "./read-training.ts";
import { readTraceDetail, readTraces } from "./read-traces.ts";
import { readXray } from "./read-xray.ts";
import { TriageLog } from "./triage-log.ts";
import { readFacts, type RunFacts } from "./run-facts.ts";
import { type RunControlPorts, RunSwitches } from "./run-switches.ts";
import { RunsFolder } from "./runs-folder.ts";
import { Turns } from "./turns.ts";

/** What reading runs needs. */
export interface PagePorts {
  readonly fs: FileSystem;
  readonly processes: ProcessTable;
  readonly clock: Clock;
  readonly control: RunControlPorts;
  /** Where bases of students are: those that come with grappa, and those of the hub. */
  readonly bases: { readonly packageFolder: string; readonly cacheFolder: string };
}

/** Indexes of traces are large: of a hundred thousand questions hundreds of megabytes. */
const MOST_INDEXES = 2;
/** Places of answers and of training examples: of a large evaluation, hundreds of megabytes. Two runs that are compared fit. */
const MOST_PLACES = 4;
/** More runs than these are counted, not listed. */
const MOST_RUNS = 500;

type OtherRoute = Exclude<PageRoute, RunRoute>;

/** Answers each address that is not of one run. */
type Readers = {
  readonly [Route in OtherRoute]: (reader: PageReader, query: PageQuery) => Promise<PageApi[Route]>;
};

/** Answers each address of one run; a view's own file reads for it. */
type RunReaders = {
  readonly [Route in RunRoute]: (facts: RunFacts, reader: PageReader, query: PageQuery) => Promise<PageApi[Route]>;
};

/** One line an address. */
const READERS: Readers = { "/runs": (reader) => reader.list() };

/** One line an address. */
const RUN_READERS: RunReaders = {
  "/runs/:run": overviewOf,
  "/runs/:run/funnel": readFunnel,
  "/runs/:run/training": readTraining,
  "/runs/:run/evaluation": readEvaluation,
  "/runs/:run/answers": readAnswers,
  "/runs/:run/answer": readAnswer,
  "/runs/:run/compare": readCompare,
  "/runs/:run/chat": readChat,
  "/runs/:run/money": readMoney,
  "/runs/:run/curation": readCuration,
  "/runs/:run/dropped": readDropped,
  "/runs/:run/traces": readTraces,
  "/runs/:run/trace": readTraceDetail,
  "/runs/:run/xray": readXray,
};

/** Addresses of one run, and the others. */
export const RUN_ROUTES = Object.keys(RUN_READERS) as readonly RunRoute[];
export const OTHER_ROUTES = Object.keys(READERS) as readonly OtherRoute[];

/** Reads runs for the page. */
export class PageReader {
  readonly ports: PagePorts;
  readonly kept: Kept;
  /** Of traces, by the run's folder. */
  readonly indexes: Kept;
  /** Where in their files answers and training examples lie. */
  readonly places: Kept;
  readonly runs: RunsFolder;
  readonly switches: RunSwitches;
  /** What is written of a run, by its name. */
  readonly changes = new Turns();
  readonly #logs = new Map<string, EventLog>();
  readonly #triages = new Map<string, TriageLog>();

  /** @param folder absolute: a folder of runs, or one run's */
  constructor(ports: PagePorts, folder: string) {
    this.ports = ports;
    this.kept = new Kept(() => ports.clock.now());
    this.indexes = new Kept(() => ports.clock.now(), MOST_INDEXES);
    this.places = new Kept(() => ports.clock.now(), MOST_PLACES);
    this.runs = new RunsFolder(ports.fs, folder);
    this.switches = new RunSwitches({ ...ports, factsOf: (name) => this.facts(name) });
  }

  /** Every run, broken ones too: those in which something happened last first. Many runs are read the more seldom. */
  async list(): Promise<RunList> {
    return await this.kept.getSeldom("list", String(this.ports.clock.now()), () => this.#readList());
  }

  async #readList(): Promise<RunList> {
    const names = await this.runs.names();
    const rows: RunRow[] = [];
    for (const name of names.slice(0, MOST_RUNS)) rows.push(await this.#row(name));
    const runs = rows.sort((a, b) => ((a.lastAt ?? "") < (b.lastAt ?? "") ? 1 : -1));
    return { folder: this.runs.folder, runs, left: Math.max(0, names.length - MOST_RUNS) };
  }

  /** What an address answers that is not of one run. Throws what reading for it throws. */
  async readOther<Route extends OtherRoute>(route: Route, query: PageQuery): Promise<PageApi[Route]> {
    const read: Readers[Route] = READERS[route];
    return await read(this, query);
  }

  /**
   * What an address of a run answers. A broken run still has an overview, which says what is wrong with it.
   *
   * @throws AppError "file-missing" where there is no such run; what reading it throws.
   */
  async read<Route extends RunRoute>(route: Route, name: string, query: PageQuery = {}): Promise<PageApi[Route]> {
    const folder = await this.runs.folderOf(name);
    const read: RunReaders[Route] = RUN_READERS[route];
    if (route !== "/runs/:run") return await read(await this.facts(name), this, query);
    try {
      return await read(await this.facts(name), this, query);
    } catch (error) {
      return unreadableOverview(name, folder, messageOf(error)) as PageApi[Route];
    }
  }

  /** The small files of a run. Throws as `readFacts`. */
  async facts(name: string): Promise<RunFacts> {
    const folder = await this.runs.folderOf(name);
    let log = this.#logs.get(folder);
    if (log === undefined) this.#logs.set(folder, (log = new EventLog(folder)));
    return await readFacts({ fs: this.ports.fs, processes: this.ports.processes, name, folder, log });
  }

  /** What was decided of the run's traces. */
  triage({ folder }: Pick<RunFacts, "folder">): TriageLog {
    let log = this.#triages.get(folder);
    if (log === undefined) this.#triages.set(folder, (log = new TriageLog(folder)));
    return log;
  }

  /** Sums of the run's journal. */
  async spending({ folder }: RunFacts): Promise<Spending> {
    return await this.kept.getSeldom(`spending ${folder}`, await this.journalStamp(folder), async () =>
      sumSpending(await readPurchases(this.ports.fs, folder)),
    );
  }

  /** Changes with every line of the run's journal. */
  async journalStamp(folder: string): Promise<string> {
    const files = await this.ports.fs.list(journalFolder(folder));
    return files.map(({ path, bytes }) => `${path} ${bytes}`).join();
  }

  async #row(name: string): Promise<RunRow> {
    try {
      const facts = await this.facts(name);
      return rowOf(facts, await this.spending(facts), this.switches);
    } catch (error) {
      return unreadableRow(name, messageOf(error));
    }
  }
}

/** What a broken run's row says. Not even a bug of ours hides the other runs. */
function messageOf(error: unknown): string {
  if (error instanceof AppError) return error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
  return `grappa failed to read it: ${error instanceof Error ? error.message : String(error)}`;
}
