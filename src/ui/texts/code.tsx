/** @file Code with its words coloured, by highlight.js: its tree becomes elements here, never markup. Loaded when first needed. */
import type { HLJSApi } from "highlight.js";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { visibleText } from "../../report/plain-text.ts";

interface Scope {
  readonly scope?: string;
  readonly children: readonly (Scope | string)[];
}

let loading: Promise<HLJSApi> | undefined;

async function loadHighlighter(): Promise<HLJSApi> {
  const [{ default: core }, ...languages] = await Promise.all([
    import("highlight.js/lib/core"),
    import("highlight.js/lib/languages/python"),
    import("highlight.js/lib/languages/javascript"),
    import("highlight.js/lib/languages/cpp"),
    import("highlight.js/lib/languages/java"),
    import("highlight.js/lib/languages/bash"),
    import("highlight.js/lib/languages/json"),
  ]);
  const names = ["python", "javascript", "cpp", "java", "bash", "json"];
  names.forEach((name, at) => {
    const language = languages[at]?.default;
    if (language !== undefined) core.registerLanguage(name, language);
  });
  return core;
}

/** A block of code; without colours where `language` is empty. */
export function Code({ text, language }: { readonly text: string; readonly language: string }) {
  const shown = visibleText(text);
  const [root, setRoot] = useState<Scope | null>(null);
  useEffect(() => {
    let isGone = false;
    setRoot(null);
    if (language === "") return undefined;
    loading ??= loadHighlighter();
    void loading
      .then((core) => {
        if (isGone || core.getLanguage(language) === undefined) return;
        const { _emitter } = core.highlight(shown, { language, ignoreIllegals: true });
        setRoot((_emitter as unknown as { readonly rootNode: Scope }).rootNode);
      })
      .catch(() => undefined); // plain code is code too
    return () => void (isGone = true);
  }, [shown, language]);
  return (
    <pre class="code" tabIndex={0} role="region" aria-label={language === "" ? "code" : `code, ${language}`}>
      <code>{root === null ? shown : coloured(root)}</code>
    </pre>
  );
}

function coloured({ scope, children }: Scope): ComponentChildren {
  const inside = children.map((child) => (typeof child === "string" ? child : coloured(child)));
  // `title.function` and the like: the first word is enough.
  return scope === undefined ? inside : <span class={`hl-${scope.replace(/[^\w-].*$/, "")}`}>{inside}</span>;
}
