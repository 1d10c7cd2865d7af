import { nodeProcessTable } from "../process-table.ts";
import { sleep } from "./interruption.ts";
import { markedProcesses, signalQuietly } from "./job-processes.ts";
import { askForEnd, readClaim, readEnd, readStarted, tryStatus, writeEnd } from "./local-try.ts";
import { GRACE_SECONDS } from "./torchrun-command.ts";

const LOOK_MS = 500;

/**
 * Asks a try on this machine for its end: its supervisor sees to it that the checkpoint is saved, then kills what is left. Where
 * the supervisor was killed, what it left behind is ended here.
 */
export async function cancelTry(folder: string, signal: AbortSignal): Promise<void> {
  const { state } = await tryStatus(folder);
  if (state !== "queued" && state !== "running") return;
  await askForEnd(folder);
  const processes = nodeProcessTable();
  const supervisor = (await readStarted(folder, "supervisor"))?.identity;
  if (supervisor === undefined) return; // it will look before it starts anything
  if (supervisor.host !== processes.self.host) return;
  // One that was killed a moment ago may still look alive.
  for (const until = Date.now() + LOOK_MS; Date.now() < until && (await readEnd(folder)) === undefined; ) {
    if (!processes.isAlive(supervisor)) return await endOrphans(folder, signal);
    await sleep(50, signal);
  }
}

async function endOrphans(folder: string, signal: AbortSignal): Promise<void> {
  const claim = await readClaim(folder);
  const child = await readStarted(folder, "child");
  const processes = nodeProcessTable();
  const living = (): number[] => {
    const marked = claim === undefined ? [] : markedProcesses(claim.mark);
    const first = child && processes.isAlive(child.identity) ? [child.identity.pid] : [];
    return Array.from(new Set([...first, ...marked]));
  };
  const [first] = living();
  if (first !== undefined) signalQuietly(first, "SIGTERM");
  for (const until = Date.now() + GRACE_SECONDS * 1000; living().length > 0; ) {
    await sleep(100, signal);
    if (Date.now() > until) for (const pid of living()) signalQuietly(pid, "SIGKILL");
  }
  const detail = "cancelled; the process that watched over it had been killed";
  await writeEnd(folder, { reason: "cancelled", exitCode: null, signal: null, detail, endedAt: Date.now() });
}
