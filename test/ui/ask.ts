/** @file Asks a page's server over a real socket, with whatever headers a test wants: `fetch` would not let it choose Host. */
import { request } from "node:http";
import type { IncomingHttpHeaders } from "node:http";

/** What came back. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** One request; `json` reads the answer's body. */
export async function ask(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  method = "GET",
  body = "",
): Promise<Reply & { readonly json: () => unknown }> {
  const { hostname, port } = new URL(url);
  // The path as it is written: a URL would tidy `..` away.
  const path = url.slice(url.indexOf("/", "http://".length));
  const reply = await new Promise<Reply>((resolve, reject) => {
    const sent = request({ hostname, port, path, method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
  return { ...reply, json: () => JSON.parse(reply.text) as unknown };
}
