/** @file The token of the address that `grappa ui` printed: taken from behind the `#`, wiped from the address, kept for this tab. */

const KEY = "grappa-token";
let token = "";

/** Takes the token from the address, or the one that this tab kept. Call once, before anything is asked for. */
export function takeToken(): void {
  const given = /^#token=([\w-]+)$/.exec(location.hash)?.[1];
  try {
    if (given !== undefined) sessionStorage.setItem(KEY, given);
    token = sessionStorage.getItem(KEY) ?? "";
  } catch {
    token = given ?? ""; // storage is switched off: it lasts until the page is loaded again
  }
  if (given !== undefined) history.replaceState(null, "", "#/runs");
}

/** What a request says to be answered. */
export function authorization(): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}` };
}
