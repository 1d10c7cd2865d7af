import { describe, expect, it } from "vitest";
import { openChannel } from "./channel.ts";

describe("channel", () => {
  it("gives out in order what was put in before and while it is read, then ends", async () => {
    const channel = openChannel<number>();
    channel.put(1);
    const seen: number[] = [];
    const reading = (async () => {
      for await (const item of channel) seen.push(item);
    })();
    channel.put(2);
    await Promise.resolve();
    channel.put(3);
    channel.end();
    await reading;
    expect(seen).toEqual([1, 2, 3]);
  });

  it("gives out what is waiting before it fails, and keeps the first end", async () => {
    const channel = openChannel<string>();
    channel.put("a");
    channel.fail(new Error("broken"));
    channel.end();
    const seen: string[] = [];
    await expect(
      (async () => {
        for await (const item of channel) seen.push(item);
      })(),
    ).rejects.toThrow("broken");
    expect(seen).toEqual(["a"]);
  });
});
