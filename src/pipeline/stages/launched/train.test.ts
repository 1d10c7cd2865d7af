import { describe, expect, test } from "vitest";
import { Launcher } from "../../../schema/training-fields.ts";
import { rentOf } from "./train.ts";

describe("rentOf", () => {
  const hub = (more: object) => Launcher.parse({ type: "hf-jobs", ...more });

  test("a CPU machine of the hub is one unit at the recipe's price, and refused without one", () => {
    const fields = hub({ flavor: "cpu-xl", gpuUsdPerHour: 1 });
    expect(rentOf(fields, { gpus: 0 })).toMatchObject({ gpus: 1, price: { microUsdPerGpuHour: 1_000_000 } });
    for (const more of [{}, { gpu: "H200" }])
      expect(() => rentOf(hub({ flavor: "cpu-xl", ...more }), { gpus: 0 })).toThrow(/an hour of cpu-xl is paid/);
  });

  test("CPUs of one's own are free", () => {
    const ray = Launcher.parse({ type: "ray", storage: "/shared", gpusPerWorker: 0 });
    expect(rentOf(ray, { gpus: 0 })).toMatchObject({ gpus: 0, price: { microUsdPerGpuHour: 0 } });
  });
});
