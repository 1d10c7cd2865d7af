import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AppError } from "../../core/errors.ts";
import { DEFAULT_CODE_LIMITS as limits } from "../../grade/code/code-limits.ts";
import { containerCommand } from "./container.ts";
import { openCodeRunner } from "./open-code-runner.ts";
import { findProgram, SYSTEM_PATH } from "./sandbox.ts";

const emptyFolder = (): string => mkdtempSync(join(tmpdir(), "grappa-no-programs-"));
const { signal } = new AbortController();
const python = await findProgram("python3", process.env["PATH"] ?? SYSTEM_PATH);
const run = { language: "python", files: { "main.py": "print(input())" }, stdin: "hello", limits } as const;

test("where nothing works it refuses, names each backend with its reason, and says what to install", async () => {
  const error = await openCodeRunner({ path: emptyFolder(), backend: "bubblewrap" }, signal).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(AppError);
  expect(error).toMatchObject({
    code: "sandbox",
    message: "no sandbox here can run code: bubblewrap: no bwrap on PATH",
    data: { probed: ["bubblewrap: no bwrap on PATH"] },
  });
  expect((error as AppError).hint).toContain("Install bubblewrap");
  await expect(openCodeRunner({ path: emptyFolder(), backend: "container" }, signal)).rejects.toThrow(
    "container: no docker on PATH; no podman on PATH",
  );
});

test("naming the backend that protects nothing is not asking for it", async () => {
  await expect(openCodeRunner({ backend: "unsafe-local" }, signal)).rejects.toThrow("no sandbox here can run code");
});

test.skipIf(python === undefined)(
  "unsafe-local runs when asked for in so many words, and says that it is partial",
  async () => {
    const options = { backend: "unsafe-local", unsafeLocal: true, python: python as string } as const;
    const runner = await openCodeRunner({ ...options, path: process.env["PATH"] ?? SYSTEM_PATH }, signal);
    expect(runner).toMatchObject({ backend: "unsafe-local", isPartial: true });
    expect(await runner.run(run, signal)).toMatchObject({ status: "ok", stdout: "hello\n" });
  },
);

/** A docker that answers as told and runs the program plainly; it keeps what it was asked. */
function fakeDocker(answers: { version: string; image: string }): { path: string; calls(): string[] } {
  const folder = emptyFolder();
  const log = join(folder, "calls");
  const script = `#!/bin/sh
printf '%s\\n' "$*" | head -n 1 >> ${log}
case "$1" in
version) ${answers.version} ;;
image) ${answers.image} ;;
run) while [ "$1" != -c ]; do shift; done
  mkdir -p /tmp; cd "${folder}" && exec ${python} -E -s -S -B -c "$(printf %s "$2" | sed 's#/tmp/.box#${folder}/box#g')" ;;
esac
`;
  writeFileSync(join(folder, "docker"), script);
  chmodSync(join(folder, "docker"), 0o755);
  return {
    path: folder,
    calls: () =>
      readFileSync(log, "utf8")
        .split("\n")
        .filter((line) => line !== ""),
  };
}

test("a client without a daemon, and a daemon without the image, are told apart; no image is pulled", async () => {
  const silent = fakeDocker({ version: "exit 1", image: "exit 1" });
  await expect(openCodeRunner({ backend: "container", path: silent.path }, signal)).rejects.toThrow(
    "no daemon answers",
  );
  const bare = fakeDocker({ version: "echo 27.0", image: "exit 1" });
  await expect(openCodeRunner({ backend: "container", path: bare.path, image: "py:1" }, signal)).rejects.toThrow(
    "docker: the image py:1 is not here (`docker pull py:1`)",
  );
  expect(bare.calls().some((call) => call.startsWith("pull"))).toBe(false);
});

test.skipIf(python === undefined)(
  "a daemon with the image is taken; each container is removed whatever happens",
  async () => {
    const docker = fakeDocker({ version: "echo 27.0", image: "echo sha256:0123456789abcdef" });
    const runner = await openCodeRunner({ backend: "container", path: docker.path }, signal);
    expect(runner).toMatchObject({ version: "docker 27.0, image sha256:0123456789ab", isPartial: false });
    expect(await runner.run(run, signal)).toMatchObject({ status: "ok", stdout: "hello\n" });
    const names = docker.calls().flatMap((call) => / --name (\S+)/.exec(call)?.[1] ?? []);
    const removed = docker.calls().flatMap((call) => /^rm --force (\S+)/.exec(call)?.[1] ?? []);
    expect(names.length).toBe(2); // the canary and this run
    expect(removed).toEqual(names);
  },
);

test("a container has no network, no capability, a read-only root, limits, and our user", () => {
  const { args } = containerCommand(
    { program: "docker", host: { image: "py", unprivilegedUid: 65_534 }, name: "n" },
    { ...run, limits: { ...limits, processes: 7, memoryBytes: 1 << 28, fileBytes: 4096 } },
  );
  const text = args.join(" ");
  for (const flag of [
    "--network none",
    "--read-only",
    "--pull never",
    "--cap-drop ALL",
    "--security-opt no-new-privileges",
    "--pids-limit 7",
    "--memory 268435456 --memory-swap 268435456",
    "--user 65534:65534",
    "--tmpfs /tmp:rw,nosuid,nodev,size=4096",
  ]) {
    expect(text).toContain(flag);
  }
  expect(text).not.toContain("--privileged");
  expect(text).not.toContain("--volume");
});
