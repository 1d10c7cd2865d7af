/** @file A list of any length of which only the rows in sight are there: each has the same height. */
import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

/** What the list shows. */
export interface VirtualListProps {
  readonly label: string;
  readonly count: number;
  /** Pixels; the style sheet must give a row the same. */
  readonly rowHeight: number;
  /** The chosen row; -1 for none. */
  readonly chosen: number;
  readonly onChoose: (row: number) => void;
  /** Told which rows are in sight, the last not included. */
  readonly onSight: (from: number, to: number) => void;
  readonly row: (row: number) => ComponentChildren;
}

/** Rows above and below the ones in sight, so that scrolling shows no gap. */
const MARGIN = 8;

/** The list; arrows, Page, Home and End move in it. */
export function VirtualList({ label, count, rowHeight, chosen, onChoose, onSight, row }: VirtualListProps) {
  const list = useRef<HTMLDivElement>(null);
  const { from, to, height, setTop } = useSight(list, { count, rowHeight, chosen });
  useEffect(() => onSight(from, to), [from, to, onSight]);
  const move = (event: KeyboardEvent): void => {
    const step = stepOf(event.key, Math.max(1, Math.floor(height / rowHeight) - 1), count);
    if (step === undefined || count === 0) return;
    event.preventDefault();
    onChoose(Math.max(0, Math.min(count - 1, Math.max(0, chosen) + step)));
  };
  return (
    <div
      ref={list}
      class="virtual-list"
      role="listbox"
      tabIndex={0}
      aria-label={label}
      aria-activedescendant={chosen >= from && chosen < to ? `row-${chosen}` : undefined}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      onKeyDown={move}
    >
      <div role="presentation" class="whole" style={{ height: `${count * rowHeight}px` }}>
        <div role="presentation" class="seen" style={{ transform: `translateY(${from * rowHeight}px)` }}>
          {Array.from({ length: Math.max(0, to - from) }, (_, offset) => from + offset).map((at) => (
            <div
              key={at}
              id={`row-${at}`}
              class="virtual-row"
              role="option"
              aria-selected={at === chosen}
              aria-posinset={at + 1}
              aria-setsize={count}
              onClick={() => onChoose(at)}
            >
              {row(at)}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

/** Which rows are in sight, with a margin; keeps the chosen one there when it changes. */
function useSight(
  list: RefObject<HTMLDivElement | null>,
  { count, rowHeight, chosen }: Pick<VirtualListProps, "count" | "rowHeight" | "chosen">,
) {
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  useLayoutEffect(() => {
    const watch = new ResizeObserver(([entry]) => setHeight(entry?.contentRect.height ?? 600));
    if (list.current !== null) watch.observe(list.current);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    const { current } = list;
    if (current === null || chosen < 0) return;
    const start = chosen * rowHeight;
    if (start < current.scrollTop) current.scrollTop = start;
    else if (start + rowHeight > current.scrollTop + current.clientHeight)
      current.scrollTop = start + rowHeight - current.clientHeight;
  }, [chosen, rowHeight]);
  const from = Math.max(0, Math.min(count, Math.floor(top / rowHeight)) - MARGIN);
  const to = Math.min(count, Math.ceil((top + height) / rowHeight) + MARGIN);
  return { from, to, height, setTop };
}

function stepOf(key: string, page: number, count: number): number | undefined {
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: page,
    PageUp: -page,
    Home: -count,
    End: count,
  };
  return steps[key];
}
