import { families } from "../../questions/families.ts";
import { type CommonFlags, presenting } from "../command-result.ts";
import { alignColumns } from "../text-table.ts";

/** Lists the families. */
export default presenting<CommonFlags, []>(() => {
  const listed = Object.values(families).map(({ name, domain, levels, checkedBy, description }) => ({
    name,
    domain,
    levels,
    checkedBy,
    description,
  }));
  const rows = listed.map(({ name, domain, levels, checkedBy, description }) => [
    name,
    domain,
    `1-${levels.length}`,
    `${description}${checkedBy === "tests" ? "; needs a sandbox to grade" : ""}`,
  ]);
  const lines = alignColumns([["FAMILY", "DOMAIN", "LEVELS", "WHAT IT ASKS"], ...rows], "llll");
  return Promise.resolve({ json: { families: listed }, text: lines.join("\n") });
});
