/** @file Where in the page one is: `#/runs`, `#/run/NAME/VIEW?key=value`. Pure. */

/** A place of the page. */
export interface Place {
  /** Name of the view. */
  readonly view: string;
  /** Name of the run that it shows; null for views of all runs. */
  readonly run: string | null;
  readonly query: Readonly<Record<string, string>>;
}

const HOME: Place = { view: "runs", run: null, query: {} };

/** The place that a hash names; the list of runs for any other. */
export function parseHash(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#/, "").split("?");
  const parts = path
    .split("/")
    .filter((part) => part !== "")
    .map(decode);
  const values = Object.fromEntries(new URLSearchParams(query));
  if (parts[0] === "run" && parts[1] !== undefined)
    return { view: parts[2] ?? "overview", run: parts[1], query: values };
  const [view] = parts;
  return view === undefined ? HOME : { view, run: null, query: values };
}

/** The hash of a place; parts of names that mean something in an address are escaped. */
export function hashOf({ view, run = null, query = {} }: Partial<Place> & Pick<Place, "view">): string {
  const path = run === null ? `#/${view}` : `#/run/${encodeURIComponent(run)}/${view}`;
  const values = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "")).toString();
  return values === "" ? path : `${path}?${values}`;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a lone percent sign
  }
}
