import { useEffect, useState } from "preact/hooks";
import { duration } from "../../report/number-format.ts";

/** Milliseconds of this machine's clock, kept up to date while the page is seen. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** A moment as it lies behind us: "12 min 03 s ago"; the date where it is longer than a day. */
export function Ago({ at }: { readonly at: string | null }) {
  const now = useNow(10_000);
  if (at === null) return <span>–</span>;
  const time = Date.parse(at);
  const seconds = Math.max(0, (now - time) / 1000);
  const text = seconds < 60 ? "just now" : seconds < 86_400 ? `${roughly(seconds)} ago` : at.slice(0, 10);
  return (
    <time dateTime={at} title={new Date(time).toLocaleString()}>
      {text}
    </time>
  );
}

function roughly(seconds: number): string {
  return seconds < 3600 ? `${Math.round(seconds / 60)} min` : duration(seconds);
}
