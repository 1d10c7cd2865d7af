import { readRunStatus, type RunStatus } from "../../pipeline/run-status.ts";
import { type CommonFlags, presenting } from "../command-result.ts";
import { findRun } from "../find-run.ts";
import { duration } from "../../report/number-format.ts";
import { printable } from "../printable.ts";

/** Says where a run stands. */
export default presenting<CommonFlags, [string]>(async (context, _flags, run) => {
  const status = await readRunStatus(context.fs, context.processes, await findRun(context, run));
  return { json: status, text: describeStatus(status) };
});

function describeStatus({ run, isComplete, pid, stages }: RunStatus): string {
  const state = isComplete
    ? "finished"
    : pid === null
      ? "not finished; the command that began it goes on with it"
      : `running, process ${pid}`;
  const lines = stages.map(({ stage, status, seconds, note }) => {
    const time = seconds > 0 ? duration(seconds) : "";
    return `${stage.padEnd(9)} ${status.padEnd(8)} ${time.padStart(12)}  ${printable(note)}`.trimEnd();
  });
  return [`${run}: ${state}`, ...lines].join("\n");
}
