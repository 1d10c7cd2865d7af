import fc from "fast-check";
import { expect, test } from "vitest";
import { checkNesting, readTags } from "../../../test/report/markup-check.ts";
import { type SavedElement, type SavedNode, savedMarkup } from "./saved-markup.ts";

const element = (name: string, attributes: Record<string, string> = {}, ...children: SavedNode[]): SavedElement => ({
  name,
  attributes,
  children,
});

test("writes elements, attributes and texts", () => {
  const tree = element("p", { class: "a b", id: "x" }, "1 < 2 & 3", element("br"), element("b", {}, '"bold"'));
  expect(savedMarkup(tree)).toBe('<p class="a b" id="x">1 &lt; 2 &amp; 3<br/><b>&quot;bold&quot;</b></p>');
});

test("leaves out what could run, ask or lead anywhere", () => {
  const attack = element(
    "div",
    { onclick: "a()", style: "background:url(//x)", href: "//x", src: "//x", "aria-label": "kept", role: "listbox" },
    element("script", {}, "a()"),
    element("style", {}, "*{}"),
    element("iframe", { src: "//x" }),
    element("img", { src: "//x", onerror: "a()" }),
    element("object", {}, "a"),
    element("use", { href: "//x#a" }),
    element("foreignObject", {}, element("p", {}, "gone")),
    element("a", { href: "javascript:a()" }, "gone"),
  );
  expect(savedMarkup(attack)).toBe('<div aria-label="kept"></div>');
  const fill = (value: string): string => savedMarkup(element("rect", { fill: value }));
  expect(fill("url(#hatch-1)")).toBe('<rect fill="url(#hatch-1)"></rect>');
  for (const value of ["url(https://x/a.svg#b)", "URL( //x )", "url(#a) url(//x)"])
    expect(fill(value)).toBe("<rect></rect>");
});

test("keeps the invisible characters of formulas, and shows those of texts", () => {
  const apply = "\u2061";
  expect(savedMarkup(element("math", {}, element("mo", {}, `${apply}<`)))).toBe(`<math><mo>${apply}&lt;</mo></math>`);
  expect(savedMarkup(element("p", {}, "a\u202eb"))).toBe("<p>a\ufffdb</p>");
});

test("no text and no value becomes markup", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (text, value) => {
      const markup = savedMarkup(element("p", { title: `${value}"><script>` }, `${text}</p><script>`));
      const tags = readTags(markup);
      checkNesting(tags);
      expect(tags.map(({ name }) => name)).toEqual(["p", "p"]);
    }),
  );
});
