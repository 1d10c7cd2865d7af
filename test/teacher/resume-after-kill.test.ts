import { describe, it } from "vitest";
import { expectToSurviveKills } from "./killed-tracing.ts";

// test/slow/resume-after-kill.test.ts does it with 2,000 requests and 20 kills.
describe("kill -9 while tracing", () => {
  it("buys nothing twice but what was in flight, accounts for that, and ends with the same bytes", async () => {
    await expectToSurviveKills({ count: 300, concurrency: 16, kills: 5 });
  });
});
