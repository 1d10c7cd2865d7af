/** @file `hf:owner/name@revision:path`: data on the Hugging Face Hub, as a user names it. */
import { AppError } from "../../../core/errors.ts";

/** A data set on the hub, at a revision, and which of its files. */
export interface HubReference {
  /** `owner/name`, or `name` for the few old sets without an owner. */
  readonly repo: string;
  /** Branch, tag or commit. */
  readonly revision: string;
  /** A file's path, `config/split`, or a split; undefined where the set has only one data file. */
  readonly selection: string | undefined;
}

const SEGMENT = "[A-Za-z0-9][A-Za-z0-9._-]{0,95}";
const REFERENCE = new RegExp(`^hf:((?:${SEGMENT}/)?${SEGMENT})@([^:@\\s]{1,200})(?::(.+))?$`);

/** Whether a text names data on the hub rather than a file. */
export function isHubReference(text: string): boolean {
  return text.startsWith("hf:");
}

/**
 * Reads a reference.
 *
 * @throws AppError "usage" for another form, and for a missing revision: data that may change under a name is no evidence.
 */
export function parseHubReference(text: string): HubReference {
  const match = REFERENCE.exec(text);
  const [, repo, revision, selection] = match ?? [];
  if (repo === undefined || revision === undefined || [revision, ...(selection ?? "").split("/")].includes("..")) {
    throw new AppError("usage", `"${text.slice(0, 300)}" names no data on the hub`, {
      hint: "write hf:OWNER/NAME@REVISION, with :PATH or :CONFIG/SPLIT behind it; @main takes the newest and records its commit",
      data: { reference: text.slice(0, 300) },
    });
  }
  return { repo, revision, selection };
}

/** The reference as it is recorded: with the commit, so that it means the same for ever. */
export function hubSource({ repo, selection }: HubReference, commit: string): string {
  return `hf:${repo}@${commit}${selection === undefined ? "" : `:${selection}`}`;
}
