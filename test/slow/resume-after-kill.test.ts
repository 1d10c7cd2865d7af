import { describe, it } from "vitest";
import { expectToSurviveKills } from "../teacher/killed-tracing.ts";

describe("kill -9 at 20 random moments during 2,000 requests", () => {
  it("buys nothing twice but what was in flight, accounts for that, and ends with the same bytes", async () => {
    await expectToSurviveKills({ count: 2000, concurrency: 32, kills: 20 });
  }, 300_000);
});
