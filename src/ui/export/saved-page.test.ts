import { expect, test } from "vitest";
import { savedName, savedPage } from "./saved-page.ts";

const view = {
  title: 'a </title><script>alert("1")</script>',
  savedAt: "today",
  theme: "system",
  style: "p{color:red}",
  content: { name: "main", attributes: {}, children: ["</main><script>"] },
};

test("a document with a policy, its style and its content, and nothing of the names as markup", () => {
  const page = savedPage(view);
  expect(page).toContain("default-src 'none'; style-src 'unsafe-inline'");
  expect(page).toContain("p{color:red}");
  expect(page).not.toContain("<script");
  expect(page).toContain("<main>&lt;/main&gt;&lt;script&gt;</main>");
  expect(page.match(/<title>/g)).toHaveLength(1);
});

test("a style cannot end its element, nor fetch another", () => {
  const page = savedPage({ ...view, style: 'p::before{content:"</style><b>"}@import "//x";' });
  expect(page).toContain('content:"\\3c /style>\\3c b>"');
  expect(page).not.toContain("@import");
  expect(page.match(/<\/style>/g)).toHaveLength(1);
});

test("keeps the chosen colours, and only those there are", () => {
  expect(savedPage({ ...view, theme: "dark" })).toContain('<html lang="en" data-theme="dark">');
  expect(savedPage({ ...view, theme: '"><script>' })).toContain('<html lang="en">');
});

test("names a file by what is shown, with nothing that leads out of a folder", () => {
  expect(savedName(["demo-0", "Thinking"], "html")).toBe("grappa-demo-0-Thinking.html");
  expect(savedName(["../../.etc/pass wd\u202e", "Training loss"], "svg")).toBe("grappa-etc-pass-wd-Training-loss.svg");
  expect(savedName(["\u202e"], "svg")).toBe("grappa.svg");
});
