const DECORATIONS = /^(?:\*\*|__|`|\$|\\\(|\\boxed\{)|(?:\*\*|__|`|\$|\\\)|\}|[.!])$/u;
/** More layers of `**`, `$`, `\boxed{}` than anybody writes. */
const MAX_DECORATIONS = 12;

/** An answer without what it is dressed in: `**98**`, `$98$`, `\boxed{98}`, a full stop; in NFKC, with `-` for any minus. */
export function undecorated(text: string): string {
  let bare = text.normalize("NFKC").replaceAll("\u2212", "-").trim();
  for (let i = 0; i < MAX_DECORATIONS && DECORATIONS.test(bare); i++) bare = bare.replace(DECORATIONS, "").trim();
  return bare;
}
