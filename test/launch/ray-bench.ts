/** @file A Ray launcher on the fake Ray. */
import { RayLauncher } from "../../src/adapters/launchers/ray-launcher.ts";
import type { JobSpec, LauncherWorld } from "../../src/adapters/launchers/launcher.ts";
import type { RayFields } from "../../src/schema/training-fields.ts";
import { FakeRay, type FakeRayOptions } from "./fake-ray.ts";
import { behaviour, type JobBehaviour, type LauncherBench } from "./launcher-contract.ts";

/** Name of the variable that holds the cluster's token, where it wants one. */
export const TOKEN_ENV = "RAY_TEST_TOKEN";
const PACES = { pauseMs: 20, patienceMs: 1000, stopMs: 2000 };

export interface RayBenchOptions {
  readonly storage: string;
  readonly fake?: FakeRayOptions;
  readonly fields?: Partial<RayFields>;
  /** What the variable of the token holds; the fake's unless told. */
  readonly token?: string | undefined;
}

export interface RayBench extends LauncherBench {
  readonly launcher: RayLauncher;
  readonly fake: FakeRay;
  /** What the launcher told of its progress. */
  readonly told: string[];
}

export async function openRayBench({
  storage,
  fake: options = {},
  fields = {},
  ...more
}: RayBenchOptions): Promise<RayBench> {
  const fake = new FakeRay(options);
  await fake.start();
  const token = "token" in more ? more.token : options.token;
  const told: string[] = [];
  const world: LauncherWorld = {
    secrets: (name) => (name === TOKEN_ENV ? token : undefined),
    cacheFolder: storage,
    jobsFolder: storage,
    warn: (message) => void told.push(message),
    tell: (message) => void told.push(message),
  };
  const all: RayFields = {
    type: "ray",
    address: fake.address,
    workers: 2,
    gpusPerWorker: 0,
    cpusPerWorker: 1,
    storage,
    maxFailures: 3,
    installs: false,
    ...(token === undefined ? {} : { tokenEnv: TOKEN_ENV }),
    ...fields,
  };
  const open = (): RayLauncher => new RayLauncher(all, world, PACES);
  return {
    launcher: open(),
    fake,
    told,
    reopen: async () => open(),
    spec: raySpec,
    release: async (name) => fake.jobs.get(name)?.release(),
    close: () => fake.stop(),
  };
}

/** A job of the fake; with `args: []` the test ends it. */
export function raySpec(name: string, does: JobBehaviour = behaviour({}), more: Partial<JobSpec> = {}): JobSpec {
  return {
    name,
    files: [{ path: "code/train.py", bytes: Buffer.from("print('hello')\n") }],
    program: "code/train.py",
    args: [JSON.stringify(does)],
    isDistributed: true,
    requirements: "torch==2.13.0 # a comment\n\ntrl==1.13.0\n",
    timeoutSeconds: null,
    environment: {},
    ...more,
  };
}
