/**
 * @file The script of an x-ray page: searches the rows, keeps only those in sight in the document, unpacks the chosen one and
 * writes its tokens. All text goes in as text, never as markup: what people and models wrote is hostile.
 */
import { type PageData, type PageRow, ROW_HEIGHT, unpackNumbers, XRAY_IDS } from "../report/xray-data.ts";
import { TOKEN_ROLES, type TokenRole } from "../tokenize/example-roles.ts";

/** Tokens written at once; a longer row goes on at the press of a button. */
const CHUNK = 6000;
/** Rows kept beyond both ends of what is in sight. */
const SPARE_ROWS = 8;

function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`bug in grappa: no element ${id}`);
  return found as T;
}

/** A new element with a class and text. */
function make(tag: string, className: string, text = ""): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

const number = (value: number): string => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ",");

interface State {
  readonly data: PageData;
  /** Each row's text to search in, lower case. */
  readonly haystacks: readonly string[];
  /** Places of the rows that were found. */
  found: number[];
  chosen: number | undefined;
}

/** Starts the page. */
export function startXrayPage(): void {
  const data = JSON.parse(element(XRAY_IDS.data).textContent ?? "") as PageData;
  const haystacks = data.rows.map(({ q, t, x }) => `${q}\n${t}\n${x}`.toLowerCase());
  const state: State = { data, haystacks, found: [], chosen: undefined };
  const search = element<HTMLInputElement>(XRAY_IDS.search);
  const filter = element<HTMLSelectElement>(XRAY_IDS.filter);
  const refresh = (): void => {
    state.found = findRows(state, search.value, filter.value);
    element(XRAY_IDS.found).textContent = `${number(state.found.length)} of ${number(data.rows.length)} rows`;
    element(XRAY_IDS.list).scrollTop = 0;
    drawList(state);
  };
  search.addEventListener("input", refresh);
  filter.addEventListener("change", refresh);
  element(XRAY_IDS.list).addEventListener("scroll", () => drawList(state), { passive: true });
  window.addEventListener("resize", () => drawList(state));
  element(XRAY_IDS.rows).addEventListener("click", ({ target }) => {
    const row = (target as Element).closest<HTMLElement>("[data-row]");
    if (row) choose(state, Number(row.dataset["row"]));
  });
  element(XRAY_IDS.list).addEventListener("keydown", (event) => moveChoice(state, event));
  element(XRAY_IDS.tokens).addEventListener("pointerover", ({ target }) => point(state, target as HTMLElement));
  refresh();
  const linked = data.rows.findIndex(({ t }) => t === decodeURIComponent(location.hash.slice(1)));
  if (data.rows.length > 0) choose(state, Math.max(0, linked));
}

function findRows({ data, haystacks }: State, query: string, filter: string): number[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return data.rows.flatMap(({ f }, place) => {
    const isWanted = filter === "" || (filter === "any" ? f.length > 0 : f.some(([gate]) => gate === filter));
    return isWanted && words.every((word) => haystacks[place]?.includes(word)) ? [place] : [];
  });
}

/** Writes the rows in sight into the list; the others are room of the right height. */
function drawList(state: State): void {
  const list = element(XRAY_IDS.list);
  const rows = element(XRAY_IDS.rows);
  rows.style.height = `${state.found.length * ROW_HEIGHT}px`;
  const first = Math.max(0, Math.floor(list.scrollTop / ROW_HEIGHT) - SPARE_ROWS);
  const last = Math.min(state.found.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW_HEIGHT) + SPARE_ROWS);
  rows.replaceChildren(...state.found.slice(first, last).map((place, at) => listItem(state, place, first + at)));
}

function listItem({ data, found, chosen }: State, place: number, at: number): HTMLElement {
  const row = data.rows[place] as PageRow;
  const item = make("div", row.f.length > 0 ? "item faulty" : "item");
  item.dataset["row"] = String(place);
  item.id = `xray-item-${place}`;
  item.style.top = `${at * ROW_HEIGHT}px`;
  item.setAttribute("role", "option");
  item.setAttribute("aria-selected", String(place === chosen));
  item.setAttribute("aria-setsize", String(found.length));
  item.setAttribute("aria-posinset", String(at + 1));
  const failed = row.f.length > 0 ? ` · ${row.f.map(([gate]) => gate).join(", ")}` : "";
  item.append(make("span", "text", row.x), make("span", "quiet", `${place + 1} · ${number(row.n)} tokens${failed}`));
  return item;
}

/** Arrows, Home and End in the list move the choice. */
function moveChoice(state: State, event: KeyboardEvent): void {
  const at = state.found.indexOf(state.chosen ?? -1);
  const last = state.found.length - 1;
  const to = new Map([
    ["ArrowDown", Math.min(last, at + 1)],
    ["ArrowUp", Math.max(0, at - 1)],
    ["Home", 0],
    ["End", last],
  ]).get(event.key);
  const place = to === undefined ? undefined : state.found[to];
  if (to === undefined || place === undefined) return;
  event.preventDefault();
  const list = element(XRAY_IDS.list);
  const top = to * ROW_HEIGHT;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + ROW_HEIGHT > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW_HEIGHT - list.clientHeight;
  choose(state, place);
}

function choose(state: State, place: number): void {
  const row = state.data.rows[place];
  if (row === undefined) return;
  state.chosen = place;
  element(XRAY_IDS.list).setAttribute("aria-activedescendant", `xray-item-${place}`);
  drawList(state);
  history.replaceState(null, "", `#${encodeURIComponent(row.t)}`);
  element(XRAY_IDS.row).textContent = `Row ${place + 1}`;
  element(XRAY_IDS.facts).textContent =
    `question ${row.q} · trace ${row.t} · ${number(row.n)} tokens · ${number(row.m)} trained · ${number(row.k)} of thinking`;
  element(XRAY_IDS.faults).replaceChildren(...row.f.map(([gate, detail]) => make("li", "", `${gate}: ${detail}`)));
  element(XRAY_IDS.pointed).textContent = "Point at a token to see its place and id.";
  const tokens = element(XRAY_IDS.tokens);
  tokens.replaceChildren();
  tokens.scrollTop = 0;
  writeTokens(state, row, 0);
}

/** Writes the next tokens of a row, and a button for those after them. */
function writeTokens(state: State, row: PageRow, from: number): void {
  const places = unpackNumbers(row.d);
  const to = Math.min(places.length, from + CHUNK);
  const roleAt = rolesOf(row);
  const isTrainedAt = maskOf(row);
  const written = document.createDocumentFragment();
  for (let at = from; at < to; at++) {
    const [, text] = state.data.tokens[places[at] ?? -1] ?? [0, ""];
    const token = make("span", `${roleAt(at)}${isTrainedAt(at) ? "" : " untrained"}${at % 2 ? " odd" : ""}`);
    token.textContent = text.replaceAll("\n", "⏎\n");
    token.dataset["at"] = String(at);
    token.dataset["place"] = String(places[at]);
    written.append(token);
  }
  element(XRAY_IDS.tokens).append(written);
  const more = element<HTMLButtonElement>(XRAY_IDS.more);
  more.hidden = to >= places.length;
  more.textContent = `Show the next ${number(Math.min(CHUNK, places.length - to))} of ${number(places.length)} tokens`;
  more.onclick = () => writeTokens(state, row, to);
}

/** The role of a position; asked in rising order. */
function rolesOf({ s }: PageRow): (at: number) => TokenRole {
  return (at) => {
    for (let span = 0; span < s.length; span += 2) {
      if (at < (s[span + 1] ?? 0)) return TOKEN_ROLES[s[span] ?? 0] ?? "prompt";
    }
    return "prompt";
  };
}

function maskOf({ r }: PageRow): (at: number) => boolean {
  const mask = r.flatMap((length, run) => Array.from({ length }, () => run % 2 === 1));
  return (at) => mask[at] ?? false;
}

/** Says what the token under the pointer is. */
function point({ data }: State, target: HTMLElement): void {
  const { at, place } = target.dataset;
  if (at === undefined || place === undefined) return;
  const [id] = data.tokens[Number(place)] ?? [];
  const [role, ...marks] = target.className.split(" ");
  const mask = marks.includes("untrained") ? "not trained" : "trained";
  element(XRAY_IDS.pointed).textContent = `position ${at} · id ${id} · ${role} · ${mask}`;
}
