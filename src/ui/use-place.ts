import { useEffect, useState } from "preact/hooks";
import { parseHash, type Place } from "./route.ts";

/** The place of the page, as the address says now. */
export function usePlace(): Place {
  const [place, setPlace] = useState(() => parseHash(location.hash));
  useEffect(() => {
    const change = (): void => setPlace(parseHash(location.hash));
    addEventListener("hashchange", change);
    return () => removeEventListener("hashchange", change);
  }, []);
  return place;
}
