import { expect, test } from "vitest";
import { streamParts } from "./page-parts.ts";

function open(parts: AsyncGenerator<unknown>) {
  const told = { faults: [] as unknown[], ends: 0 };
  const body = streamParts({
    parts,
    faultOf: (error) => (told.faults.push(error), "a fault"),
    signal: new AbortController().signal,
    onEnd: () => void (told.ends += 1),
  });
  return { told, body };
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 5));

test("sends every part, and ends with them", async () => {
  const { told, body } = open(
    (async function* () {
      yield 1;
      yield { two: 2 };
    })(),
  );
  expect(await new Response(body).text()).toBe('event: value\ndata: 1\n\nevent: value\ndata: {"two":2}\n\n');
  expect(told).toEqual({ faults: [], ends: 1 });
});

test("what goes wrong is the last event", async () => {
  const { told, body } = open(
    (async function* () {
      yield 1;
      throw new Error("no disk");
    })(),
  );
  expect(await new Response(body).text()).toBe('event: value\ndata: 1\n\nevent: fault\ndata: "a fault"\n\n');
  expect(told.ends).toBe(1);
});

test("who leaves while a part is looked for ends it, and that is no fault", async () => {
  let find = (): void => undefined;
  let isEnded = false;
  const { told, body } = open(
    (async function* () {
      try {
        await new Promise<void>((resolve) => (find = resolve));
        yield 1;
      } finally {
        isEnded = true;
      }
    })(),
  );
  const reader = body.getReader();
  void reader.read();
  await pause();
  await reader.cancel();
  find();
  await pause();
  expect(told).toEqual({ faults: [], ends: 1 });
  expect(isEnded).toBe(true);
});
