import { AppError } from "../core/errors.ts";
import { SCHEMA_VERSION } from "./records.ts";

/**
 * Refuses a record that carries another version than ours, by name; one without a version is left to its schema.
 *
 * @param where the file, and the line of a record, for the message.
 * @throws {AppError} "schema-version" naming both versions.
 */
export function refuseOtherVersion(value: unknown, where: string): void {
  const found =
    typeof value === "object" && value !== null ? (value as { schemaVersion?: unknown }).schemaVersion : undefined;
  if (found === undefined || found === SCHEMA_VERSION) return;
  throw new AppError(
    "schema-version",
    `${where}: schemaVersion ${JSON.stringify(found)}, this grappa reads ${SCHEMA_VERSION}`,
    {
      hint: "use the grappa that wrote it, or run again in a new folder (--run DIR)",
      data: { where, found, expected: SCHEMA_VERSION },
    },
  );
}
