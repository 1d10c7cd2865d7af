import { useEffect, useRef } from "preact/hooks";

/**
 * A heading that takes the focus when what is below it was asked for; `isAsked` names that, and is empty where nothing was. Who
 * asked by a field keeps the focus there, to choose again.
 */
export function AskedHeading({
  text,
  id,
  isAsked,
}: {
  readonly text: string;
  readonly id: string;
  readonly isAsked: string;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (isAsked === "" || document.activeElement?.closest("select, input") !== null) return;
    heading.current?.focus({ preventScroll: true });
    heading.current?.scrollIntoView({ block: "start" });
  }, [isAsked]);
  return (
    <h2 id={id} ref={heading} tabIndex={-1} class="asked">
      {text}
    </h2>
  );
}
