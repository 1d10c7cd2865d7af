/** @file Light, dark, or as the reader's system says; kept in this browser. */

/** What the reader chose. */
export type Theme = "system" | "light" | "dark";

const KEY = "grappa-theme";
const ORDER: readonly Theme[] = ["system", "light", "dark"];

/** The kept choice; `system` where there is none. */
export function readTheme(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return ORDER.find((theme) => theme === kept) ?? "system";
  } catch {
    return "system"; // storage is switched off
  }
}

/** The choice after this one. */
export function nextTheme(theme: Theme): Theme {
  return ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length] ?? "system";
}

/** Shows the page so, and keeps the choice. */
export function applyTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // it holds for this visit
  }
}
