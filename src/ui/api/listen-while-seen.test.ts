import { expect, test } from "vitest";
import { listenWhileSeen } from "./listen-while-seen.ts";

class Page extends EventTarget {
  hidden: boolean;

  constructor(hidden: boolean) {
    super();
    this.hidden = hidden;
  }

  turn(hidden: boolean): void {
    this.hidden = hidden;
    this.dispatchEvent(new Event("visibilitychange"));
  }
}

const soon = () => new Promise((resolve) => setTimeout(resolve, 5));

/** Streams that go on until their signal ends them. */
function streams(page: Page) {
  const counts = { opened: 0, open: 0 };
  const ending = new AbortController();
  const done = listenWhileSeen(
    async (signal) => {
      counts.opened += 1;
      counts.open += 1;
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      counts.open -= 1;
    },
    { page, signal: ending.signal, retryMs: 60_000 },
  );
  return { counts, ending, done };
}

test("a page that nobody sees holds no stream, and has it again when it is seen", async () => {
  const page = new Page(false);
  const { counts, ending, done } = streams(page);
  expect(counts).toEqual({ opened: 1, open: 1 });
  page.turn(true);
  await soon();
  expect(counts).toEqual({ opened: 1, open: 0 });
  page.turn(false);
  await soon();
  expect(counts).toEqual({ opened: 2, open: 1 });
  ending.abort();
  await done;
  expect(counts).toEqual({ opened: 2, open: 0 });
});

test("what is opened unseen waits, and can be ended then", async () => {
  const page = new Page(true);
  const { counts, ending, done } = streams(page);
  await soon();
  expect(counts.opened).toBe(0);
  ending.abort();
  await done;
  expect(counts.opened).toBe(0);
});

test("listens again after a stream ended by itself", async () => {
  const ending = new AbortController();
  let opened = 0;
  await listenWhileSeen(
    async () => {
      opened += 1;
      if (opened === 3) ending.abort();
    },
    { page: new Page(false), signal: ending.signal, retryMs: 1 },
  );
  expect(opened).toBe(3);
});
