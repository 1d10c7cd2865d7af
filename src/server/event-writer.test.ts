import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { EventWriter } from "./event-writer.ts";

/** What a response was given, in order. */
function fakeResponse() {
  const calls: string[] = [];
  const response = {
    destroyed: false,
    writableLength: 0,
    destroy: () => void (response.destroyed = true),
    on: () => response,
    writeHead: () => response,
    write: (text: string) => calls.push(text) > 0,
    end: (text: string) => void calls.push(`${text}END`),
  };
  return { calls, response, events: new EventWriter(response as unknown as ServerResponse) };
}
const turn = (ms = 0): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test("what is sent in one turn goes out in one write, the opening with it", async () => {
  const { calls, events } = fakeResponse();
  events.open({ a: 1 });
  events.open(undefined);
  expect(calls).toEqual([]);
  events.send({ b: "\n" });
  events.send(undefined);
  events.write(": still here\n\n");
  expect(calls).toEqual([]);
  await turn();
  expect(calls).toEqual(['data: {"a":1}\n\ndata: {"b":"\\n"}\n\n: still here\n\n']);
  events.send({ c: 1 });
  await turn();
  events.send({ d: 1 });
  events.end();
  await turn(20);
  expect(calls.slice(1)).toEqual(['data: {"c":1}\n\n', 'data: {"d":1}\n\nEND']);
});

test("an opening that nothing follows goes out alone", async () => {
  const { calls, events } = fakeResponse();
  events.open({ a: 1 });
  await turn(50);
  expect(calls).toEqual(['data: {"a":1}\n\n']);
});

test("nothing is written after the end, though its client has not read it yet", async () => {
  const { calls, events } = fakeResponse();
  events.send({ a: 1 });
  events.end();
  events.send({ b: 1 });
  events.end();
  await turn(20);
  expect(calls).toEqual(['data: {"a":1}\n\nEND']);
});

test("a client that does not read is left once too much stands here", async () => {
  const { calls, events, response } = fakeResponse();
  response.writableLength = 1 << 30;
  events.send({ a: 1 });
  await turn();
  expect(response.destroyed).toBe(true);
  events.send({ b: 1 });
  events.end();
  await turn(20);
  expect(calls).toHaveLength(1);
});

test("nothing is written to a client that has left", async () => {
  const { calls, events, response } = fakeResponse();
  events.send({ a: 1 });
  response.destroyed = true;
  await turn(20);
  events.send({ b: 1 });
  events.end();
  await turn();
  expect(calls).toEqual([]);
});
