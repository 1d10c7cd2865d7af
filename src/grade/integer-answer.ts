import { undecorated } from "../core/undecorated.ts";

const PLAIN = /^([-+]?)([0-9]+)(?:\.0*)?$/u;
const GROUPED = /^([-+]?)([0-9]{1,3}(?:,[0-9]{3})+)(?:\.0*)?$/u;

/**
 * The one spelling of an integer answer: no decoration (`**98**`, `$98$`, `\boxed{98}`, a full stop), no thousands
 * commas, no leading zeros, no plus, no `.0`, the minus as `-`, and never `-0`. Null when the text is anything else:
 * an integer with words or units beside it is not read, since guessing there makes graders generous. Any length.
 */
export function canonicalInteger(text: string): string | null {
  const bare = undecorated(text);
  const match = PLAIN.exec(bare) ?? GROUPED.exec(bare);
  if (match === null) return null;
  const digits = (match[2] as string).replaceAll(",", "").replace(/^0+(?=[0-9])/u, "");
  return match[1] === "-" && digits !== "0" ? `-${digits}` : digits;
}
