/** @file `grappa ui` as a process, and its page in a browser that notes whatever goes wrong or out. */
import { spawn } from "node:child_process";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";

/** A server. */
export interface UiServer {
  /** With its token. */
  readonly address: string;
  readonly url: string;
  close(): Promise<void>;
}

/** Starts the built `grappa ui` over a folder, on a free port. */
export async function startUi(folder: string): Promise<UiServer> {
  const child = spawn(process.execPath, ["dist/cli/main.js", "ui", folder, "--port", "0", "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.on("exit", () => resolve()));
  const told = await new Promise<{ address: string; url: string }>((resolve, reject) => {
    child.stdout.once("data", (data: Buffer) => resolve(JSON.parse(String(data)) as { address: string; url: string }));
    child.once("exit", (code) => reject(new Error(`grappa ui ended with ${code}`)));
  });
  return {
    ...told,
    close: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** The page at an address of the server; `faults` are messages of the console, errors, and requests to anybody else. */
export async function openUi(
  browser: Browser,
  { url, address }: UiServer,
  { hash, ...options }: BrowserContextOptions & { readonly hash?: string } = {},
): Promise<{ readonly page: Page; readonly faults: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("console", (message) => faults.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith(`${url}/`)) faults.push(`request: ${request.url()}`);
  });
  await page.goto(address);
  await page.waitForSelector("h1");
  if (hash !== undefined) await page.goto(`${url}/${hash}`);
  return { page, faults };
}
