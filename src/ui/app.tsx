/** @file The shell: navigation, theme, keys, and the view of the place. */
import { useEffect, useRef, useState } from "preact/hooks";
import { SaveDialog } from "./export/save-dialog.tsx";
import { KeyList } from "./keys/key-list.tsx";
import { moveRow, useKeyListener, useKeys } from "./keys/use-keys.ts";
import { hashOf, type Place } from "./route.ts";
import { RUN_VIEWS, type View, type ViewProps, VIEWS } from "./routes.ts";
import { applyTheme, nextTheme, readTheme } from "./theme.ts";
import { usePlace } from "./use-place.ts";

/** The whole page. */
export function App() {
  const place = usePlace();
  const [isKeyListOpen, setKeyListOpen] = useState(false);
  const [isSaveOpen, setSaveOpen] = useState(false);
  const [theme, setTheme] = useState(readTheme);
  const main = useRef<HTMLElement>(null);
  const turnTheme = (): void => {
    const next = nextTheme(theme);
    applyTheme(next);
    setTheme(next);
  };
  useKeyListener();
  usePageKeys(place, { turnTheme, openKeyList: () => setKeyListOpen(true), openSave: () => setSaveOpen(true) });
  useEffect(() => {
    document.title = titleOf(place);
    scrollTo(0, 0);
  }, [place.view, place.run]);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        To the content
      </a>
      <header class="bar">
        <a class="mark" href={hashOf({ view: "runs" })}>
          <img src="/icon.svg" alt="" width="20" height="20" />
          Grappa
        </a>
        <Navigation place={place} />
        <div class="tools">
          <button type="button" onClick={turnTheme} title="light, dark or as the system (d)">
            {theme === "system" ? "auto" : theme}
          </button>
          <button type="button" onClick={() => setSaveOpen(true)} title="save what is shown (e)">
            save
          </button>
          <button type="button" onClick={() => setKeyListOpen(true)} title="keys (?)">
            keys
          </button>
        </div>
      </header>
      <main ref={main} tabIndex={-1}>
        <Shown place={place} />
      </main>
      <KeyList isOpen={isKeyListOpen} onClose={() => setKeyListOpen(false)} />
      <SaveDialog isOpen={isSaveOpen} onClose={() => setSaveOpen(false)} names={namesOf(place)} />
    </>
  );
}

function usePageKeys(
  { run }: Place,
  { turnTheme, openKeyList, openSave }: Readonly<Record<"turnTheme" | "openKeyList" | "openSave", () => void>>,
): void {
  const go = (hash: string) => () => void (location.hash = hash);
  useKeys("Everywhere", [
    { keys: "?", what: "show these keys", run: openKeyList },
    { keys: "e", what: "save what is shown: the view as HTML, its charts as SVG", run: openSave },
    { keys: "d", what: "light, dark, or as the system", run: turnTheme },
    { keys: "j", what: "next row", run: () => moveRow(1) },
    { keys: "k", what: "previous row", run: () => moveRow(-1) },
    ...VIEWS.map(({ name, label, key }) => ({ keys: `g ${key}`, what: label, run: go(hashOf({ view: name })) })),
  ]);
  useKeys(
    "In a run",
    run === null
      ? []
      : RUN_VIEWS.map(({ name, label, key }) => ({
          keys: `g ${key}`,
          what: label,
          run: go(hashOf({ view: name, run })),
        })),
  );
}

function Navigation({ place }: { readonly place: Place }) {
  const list = useRef<HTMLUListElement>(null);
  // On a phone the row of views is wider than the screen.
  useEffect(
    () => list.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" }),
    [place.view, place.run],
  );
  const link = ({ name, label }: Pick<View<ViewProps>, "name" | "label">, run: string | null) => (
    <li key={name}>
      <a
        href={hashOf({ view: name, run })}
        aria-current={place.run === run && place.view === name ? "page" : undefined}
      >
        {label}
      </a>
    </li>
  );
  return (
    <nav aria-label="Views">
      <ul ref={list}>
        {VIEWS.map((view) => link(view, null))}
        {place.run !== null && (
          <li class="run-name" title={place.run}>
            {place.run}
          </li>
        )}
        {place.run !== null && RUN_VIEWS.map((view) => link(view, place.run))}
      </ul>
    </nav>
  );
}

function Shown({ place }: { readonly place: Place }) {
  const { view, run } = place;
  if (run === null) {
    const Found = VIEWS.find(({ name }) => name === view)?.component;
    return Found === undefined ? <Nowhere /> : <Found place={place} />;
  }
  const Found = RUN_VIEWS.find(({ name }) => name === view)?.component;
  return Found === undefined ? <Nowhere /> : <Found key={run} place={place} run={run} />;
}

function Nowhere() {
  return (
    <>
      <h1>There is no such view</h1>
      <p>
        <a href={hashOf({ view: "runs" })}>All runs</a>
      </p>
    </>
  );
}

/** The run's name, where there is one, and the view's. */
function namesOf({ view, run }: Place): readonly string[] {
  const label = [...VIEWS, ...RUN_VIEWS].find(({ name }) => name === view)?.label;
  return [run, label].filter((part) => part !== null && part !== undefined);
}

function titleOf(place: Place): string {
  return [...namesOf(place), "Grappa"].join(" · ");
}
