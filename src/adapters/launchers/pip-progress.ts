import type { Readable } from "node:stream";
import { createInterface } from "node:readline";

const MAX_LINES = 200;

/** Tells what pip downloads and installs while it does, and keeps the last lines for an error. */
export async function followOutput(
  output: Readable,
  { lines, tell }: { readonly lines: string[]; tell(message: string): void },
): Promise<void> {
  for await (const line of createInterface({ input: output, crlfDelay: Number.POSITIVE_INFINITY })) {
    lines.push(line.slice(0, 1000));
    if (lines.length > MAX_LINES) lines.shift();
    const download = /^\s*Downloading (?:\S*\/)?(\S+?)(?:\.whl|\.tar\.gz)(?:\.metadata)? (\([\d.]+ [MG]B\))/.exec(line);
    if (download !== null) tell(`downloading ${download[1]?.split("-").slice(0, 2).join(" ")} ${download[2]}`);
    else if (line.startsWith("Installing collected packages")) tell("installing what was downloaded");
  }
}
