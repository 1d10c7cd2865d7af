/**
 * @file Hostile programs, and what each sandbox makes of them. Each prints ESCAPED when it got what it wanted; what it cannot know by
 * itself (a file on the host, a packet that arrived) the test looks at from outside.
 */
import type { CodeRunResult, CodeRunStatus } from "../../src/grade/code/code-runner.ts";

/** A column of the table. */
export type Column = "bubblewrap" | "pyodide in bubblewrap" | "pyodide in unshare" | "pyodide alone" | "unsafe-local";

/** `open`: known to get through, and the sandbox says that it is partial. `untried`: would harm the machine of the test. */
export type Expectation = "contained" | "open" | "untried";

/** What the host offers to be attacked. */
export interface Bait {
  readonly tcpPort: number;
  readonly udpPort: number;
  /** A path on the host that does not exist, in a folder that anybody may write to. */
  readonly hostFile: string;
  /** A file on the host that anybody may read, and the secret that it holds. */
  readonly secretFile: string;
  readonly secret: string;
}

/** One hostile program. */
export interface Attack {
  readonly name: string;
  readonly code: (bait: Bait) => string;
  /** Statuses that show that it was stopped where ESCAPED alone does not tell. */
  readonly stoppedBy?: readonly CodeRunStatus[];
  /** Time that it needs where that is more than the others get: memory is slow to come in some virtual machines. */
  readonly wallMs?: number;
  /** Run as part of `npm test`. */
  readonly isFast: boolean;
  readonly expected?: Partial<Record<Column, Expectation>>;
}

/** Wraps statements so that any refusal by the sandbox is printed, not raised. */
const attempt = (body: string): string =>
  `try:\n${body
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n")}\nexcept BaseException as error:\n    print("refused", type(error).__name__, str(error)[:80])\n`;

const reads = (path: string): string => attempt(`print("ESCAPED", open("${path}").read()[:40])`);
const js = (expression: string): string => attempt(`import js\nprint("ESCAPED", ${expression})`);
const module = (name: string): string => `js.process.getBuiltinModule("node:${name}")`;
const alone = (expectation: Expectation): Partial<Record<Column, Expectation>> => ({ "pyodide alone": expectation });

/** Programs for every sandbox. */
const PYTHON: readonly Attack[] = [
  { name: "infinite loop", code: () => "while True: pass", stoppedBy: ["timeout"], isFast: true },
  {
    name: "loop that swallows every interrupt",
    code: () =>
      "import signal\nfor n in range(1, 64):\n    try: signal.signal(n, signal.SIG_IGN)\n    except BaseException: pass\nwhile True:\n    try:\n        while True: pass\n    except BaseException: pass",
    stoppedBy: ["timeout"],
    isFast: false,
  },
  {
    name: "allocates 10 GB",
    code: () => `blocks = []\n${attempt('for n in range(10): blocks.append(bytearray(10**9))\nprint("ESCAPED")')}`,
    stoppedBy: ["oom", "crash", "timeout"],
    isFast: true,
  },
  {
    name: "allocates 3.6 GB in 12 processes",
    code: () =>
      `import os, time\nsource, target = os.pipe()\n${attempt('for n in range(12):\n    if os.fork() == 0:\n        block = b"x" * (300 << 20)\n        os.write(target, b"x")\n        time.sleep(20)\n        os._exit(0)\ndone = 0\nwhile done < 12: done += len(os.read(source, 12))\nprint("ESCAPED")')}`,
    stoppedBy: ["oom"],
    wallMs: 10_000,
    isFast: false,
  },
  {
    name: "fork storm",
    code: () =>
      `import os, time\ncount = 0\n${attempt("while count < 200:\n    if os.fork() == 0:\n        time.sleep(20)\n        os._exit(0)\n    count += 1")}print("ESCAPED" if count >= 100 else "stopped at", count)`,
    isFast: true,
  },
  {
    name: "5000 threads",
    code: () =>
      `import threading, time, os\ncount = 0\n${attempt("while count < 5000:\n    threading.Thread(target=time.sleep, args=(20,), daemon=True).start()\n    count += 1")}print("ESCAPED" if count >= 1000 else "stopped at", count, flush=True)\nos._exit(0)`,
    isFast: true,
  },
  {
    name: "connects to a port of the host",
    code: ({ tcpPort }) =>
      attempt(
        `import socket\nconnection = socket.create_connection(("127.0.0.1", ${tcpPort}), 2)\nconnection.sendall(b"x")\nprint("ESCAPED" if connection.recv(1) == b"y" else "nothing there")`,
      ),
    isFast: true,
  },
  {
    name: "sends a datagram, as a name lookup does",
    code: ({ udpPort }) =>
      attempt(
        `import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.settimeout(0.5)\ns.sendto(b"x", ("127.0.0.1", ${udpPort}))\nprint("ESCAPED" if s.recv(1) == b"y" else "")`,
      ),
    isFast: true,
  },
  { name: "reads /etc/shadow", code: () => reads("/etc/shadow"), isFast: true },
  { name: "reads /etc/passwd", code: () => reads("/etc/passwd"), isFast: true },
  {
    name: "lists /root and /home",
    code: () =>
      attempt('import os\nprint("ESCAPED", os.listdir("/root"))') +
      attempt(
        'import os\nfound = os.listdir("/home")\nprint("ESCAPED" if found not in ([], ["pyodide"], ["web_user"]) else "empty", found)',
      ),
    isFast: true,
  },
  { name: "reads a file that anybody may read", code: ({ secretFile }) => reads(secretFile), isFast: true },
  {
    name: "looks for the secret in its environment",
    code: ({ secret }) =>
      `import os\nprint("ESCAPED" if any("${secret.slice(0, 8)}" in value for value in os.environ.values()) else sorted(os.environ))\n${reads("/proc/1/environ")}`,
    isFast: true,
  },
  {
    name: "writes a file on the host",
    code: ({ hostFile }) => attempt(`open("${hostFile}", "w").write("x")`),
    isFast: true,
  },
  {
    name: "writes outside its own folder",
    code: () =>
      `import os\nfor folder in ("/", "/box", "/usr", "/usr/lib", "/dev", "/dev/shm", "/etc", "/var/tmp", "/run"):\n    try:\n        open(folder + "/x", "w").write("x")\n        print("ESCAPED", folder)\n    except OSError as error:\n        print("refused", error)`,
    isFast: true,
    // In memory only, in the file system of one interpreter that ends with the run.
    expected: {
      "pyodide in bubblewrap": "open",
      "pyodide in unshare": "open",
      "pyodide alone": "open",
    },
  },
  {
    name: "writes a file of 4 GB",
    code: () =>
      `block = b"x" * (1 << 20)\nsize = 0\n${attempt('with open("/tmp/big", "wb", buffering=0) as file:\n    while size < 4096:\n        size += 1 if file.write(block) else 0')}print("ESCAPED" if size >= 3500 else "stopped at", size, "MiB")`,
    stoppedBy: ["timeout", "oom"],
    isFast: false,
  },
  {
    name: "fills its folder with many files",
    code: () =>
      `size = 0\nblock = b"x" * (1 << 20)\n${attempt('for n in range(4000):\n    with open("/tmp/%d" % n, "wb", buffering=0) as file: size += 1 if file.write(block) else 0')}print("ESCAPED" if size >= 3500 else "stopped at", size, "MiB")`,
    stoppedBy: ["timeout", "oom"],
    isFast: false,
  },
  {
    name: "links out of its folder",
    code: ({ secretFile }) =>
      attempt(`import os\nos.symlink("${secretFile}", "/tmp/link")\nprint("ESCAPED", open("/tmp/link").read())`) +
      attempt('import os\nos.link("/etc/shadow", "/tmp/hard")\nprint("ESCAPED")') +
      attempt('import os\nos.symlink("/", "/tmp/root")\nprint("ESCAPED", open("/tmp/root/etc/shadow").read())'),
    isFast: true,
  },
  {
    name: "kills its parent, then everything",
    code: () => attempt("import os\nos.kill(os.getppid(), 9)") + attempt("import os\nos.kill(-1, 9)") + "print('done')",
    isFast: true,
  },
  { name: "floods its output", code: () => 'while True: print("x" * 4096)', stoppedBy: ["output_limit"], isFast: true },
  {
    name: "floods both outputs from processes of its own",
    code: () => `import os, sys\n${attempt("os.fork()\nos.fork()")}while True:\n    sys.stderr.write("x" * 4096)`,
    stoppedBy: ["output_limit"],
    isFast: false,
  },
  {
    name: "recurses without end",
    code: () => "import sys\nsys.setrecursionlimit(10**9)\ndef f(n): return f(n + 1) + 1\nf(0)",
    stoppedBy: ["crash", "oom", "timeout"],
    isFast: false,
  },
  {
    name: "leaves a process behind in a session of its own",
    code: ({ hostFile }) =>
      attempt(
        `import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(3)\n    open("${hostFile}", "w").write("x")\n    time.sleep(60)`,
      ),
    isFast: false,
  },
  {
    name: "becomes root, or makes a namespace",
    code: () =>
      attempt('import os\nos.setuid(0)\nprint("ESCAPED uid", os.getuid())') +
      attempt(
        'import ctypes\nlibc = ctypes.CDLL(None)\nprint("ESCAPED" if libc.unshare(0x10000000) == 0 else "no namespace")\nprint("ESCAPED" if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0 else "no mount")',
      ),
    isFast: true,
    expected: { "pyodide in bubblewrap": "contained" },
  },
  {
    name: "writes to every descriptor it was left",
    code: () =>
      "import os, stat\nfor n in range(3, 1024):\n    try:\n        os.write(n, b'{\"exit-code\": 0}\\n')\n        if not stat.S_ISCHR(os.fstat(n).st_mode): print('ESCAPED', n)\n    except OSError: pass",
    isFast: true,
  },
];

/** What Python in Node could reach through JavaScript. */
const JAVASCRIPT: readonly Attack[] = [
  {
    name: "js: reads a file",
    code: ({ secretFile }) => js(`${module("fs")}.readFileSync("${secretFile}", "utf8")`),
    isFast: true,
  },
  {
    name: "js: reads /etc/passwd",
    code: () => js(`${module("fs")}.readFileSync("/etc/passwd", "utf8")`),
    isFast: false,
  },
  {
    name: "js: writes a file",
    code: ({ hostFile }) => js(`${module("fs")}.writeFileSync("${hostFile}", "x")`),
    isFast: true,
  },
  {
    name: "js: appends to its own program",
    code: () => js(`${module("fs")}.appendFileSync(js.process.argv[1], "x")`),
    isFast: true,
  },
  {
    name: "js: starts a process",
    code: () => js(`${module("child_process")}.execSync("id").toString()`),
    isFast: true,
  },
  {
    name: "js: starts a worker",
    code: () => js(`${module("worker_threads")}.Worker.new("1", js.JSON.parse('{"eval": true}'))`),
    isFast: true,
  },
  {
    name: "js: loads an add-on",
    code: () => js('js.process.dlopen(js.JSON.parse(\'{"exports": {}}\'), "/usr/lib/x.node")'),
    isFast: false,
  },
  {
    name: "js: WASI on the host's root",
    code: () => js(`${module("wasi")}.WASI.new(js.JSON.parse('{"version": "preview1", "preopens": {"/": "/"}}'))`),
    isFast: false,
  },
  {
    name: "js: Function constructor",
    code: ({ secretFile }) =>
      js(`js.Object.constructor("return process.getBuiltinModule('node:fs').readFileSync('${secretFile}', 'utf8')")()`),
    isFast: true,
  },
  {
    name: "js: run_js",
    code: ({ secretFile }) =>
      attempt(
        `from pyodide.code import run_js\nprint("ESCAPED", run_js("process.getBuiltinModule('node:fs').readFileSync('${secretFile}', 'utf8')"))`,
      ),
    isFast: true,
  },
  {
    name: "js: mountNodeFS",
    code: ({ secretFile }) =>
      attempt(
        `import pyodide_js\npyodide_js.mountNodeFS("/host", "/")\nprint("ESCAPED", open("/host${secretFile}").read())`,
      ),
    isFast: true,
  },
  { name: "js: process.binding", code: () => js("js.process.binding('fs').open"), isFast: false },
  {
    name: "js: gives itself permission",
    code: () =>
      js(
        `"nothing" if not js.process.permission.has("fs.write") and not js.process.permission.has("child") else 1/0`,
      ).replace('"ESCAPED", ', ""),
    isFast: false,
  },
  {
    name: "js: environment",
    code: ({ secret }) => js(`1 if "${secret.slice(0, 8)}" in js.JSON.stringify(js.process.env) else 1/0`),
    isFast: true,
  },
  {
    name: "js: connects to a port of the host",
    code: ({ tcpPort }) =>
      attempt(
        `import js\ns = ${module("net")}.connect(${tcpPort}, "127.0.0.1")\ns.on("error", lambda error: None)\ns.write("x")\ns.unref()\njs.setTimeout(js.Function.new(""), 1500)`,
      ),
    isFast: true,
    expected: alone("open"),
  },
  {
    name: "js: sends a datagram",
    code: ({ udpPort }) =>
      attempt(
        `import js\ns = ${module("dgram")}.createSocket("udp4")\ns.send("x", ${udpPort}, "127.0.0.1")\ns.unref()\njs.setTimeout(js.Function.new(""), 1500)`,
      ),
    isFast: true,
    expected: alone("open"),
  },
  {
    name: "js: kills its parent",
    code: () => js("js.process.kill(js.process.ppid, 'SIGKILL') and 1/0"),
    isFast: true,
    expected: alone("untried"),
  },
  {
    name: "js: kills everything",
    code: () => attempt("import js\njs.process.kill(-1, 'SIGKILL')"),
    isFast: true,
    expected: alone("untried"),
  },
  {
    name: "js: allocates 10 GB",
    code: () => attempt("import js\nblocks = [js.Uint8Array.new(10**9).fill(1) for n in range(10)]\nprint('ESCAPED')"),
    stoppedBy: ["oom", "crash", "timeout"],
    isFast: false,
  },
];

/** What a plain child process holds, and what is seen to get out of it; the rest would harm the machine, and is not tried. */
const UNSAFE_LOCAL: Readonly<Record<string, Expectation>> = {
  "infinite loop": "contained",
  "loop that swallows every interrupt": "contained",
  "allocates 10 GB": "contained",
  "allocates 3.6 GB in 12 processes": "contained",
  "recurses without end": "contained",
  "floods its output": "contained",
  "floods both outputs from processes of its own": "contained",
  "writes to every descriptor it was left": "contained",
  "connects to a port of the host": "open",
  "sends a datagram, as a name lookup does": "open",
  "reads /etc/passwd": "open",
  "reads a file that anybody may read": "open",
  "writes a file on the host": "open",
};

/** The contract of every sandbox. */
export const ATTACKS: readonly Attack[] = [...PYTHON, ...JAVASCRIPT];

/** What an attack is expected to come to in a column; null where it does not apply. */
export function expectationOf(attack: Attack, column: Column): Expectation | null {
  const hasJavaScript = column !== "bubblewrap" && column !== "unsafe-local";
  if (JAVASCRIPT.includes(attack) && !hasJavaScript) return null;
  if (column === "unsafe-local") return UNSAFE_LOCAL[attack.name] ?? "untried";
  return attack.expected?.[column] ?? "contained";
}

/** Whether the result itself shows that the attack got through. */
export function hasEscaped(attack: Attack, result: CodeRunResult): boolean {
  if (result.stdout.includes("ESCAPED")) return true;
  return (
    attack.stoppedBy !== undefined && !attack.stoppedBy.includes(result.status) && !result.stdout.includes("refused")
  );
}
