import { existsSync } from "node:fs";

const USUAL_PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The Chromium to test in: the one that GRAPPA_CHROMIUM names, else one where systems put it; undefined if there is none. */
export function findChromium(): string | undefined {
  const named = process.env["GRAPPA_CHROMIUM"];
  if (named === undefined || named === "") return USUAL_PLACES.find((path) => existsSync(path));
  if (!existsSync(named)) throw new Error(`GRAPPA_CHROMIUM names ${named}, which does not exist`);
  return named;
}
