import { describe, expect, it } from "vitest";
import { markup, trustedMarkup } from "./markup.ts";

describe("markup", () => {
  it("escapes text in elements and attributes, and keeps markup and lists", () => {
    const hostile = `</p><img src=x onerror="alert('1')">&`;
    const escaped = "&lt;/p&gt;&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;";
    const items = ["a<", "b"].map((item) => markup`<li>${item}</li>`);
    expect(markup`<p title="${hostile}">${hostile}</p><ul>${items}</ul>${null}${false}${0}`.text).toBe(
      `<p title="${escaped}">${escaped}</p><ul><li>a&lt;</li><li>b</li></ul>0`,
    );
  });

  it("does not take an object read from JSON for markup", () => {
    const forged = JSON.parse('["<b>"]') as string[];
    expect(markup`${forged}`.text).toBe("&lt;b&gt;");
    expect(markup`${trustedMarkup("<b>")}`.text).toBe("<b>");
  });

  it("shows control characters, which XML forbids", () => {
    expect(markup`${"\u0000\u001b"}`.text).toBe("␀␛");
  });
});
