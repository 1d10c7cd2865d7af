/**
 * @file One program in one Pyodide interpreter: the main module of a child process that Node's permission model holds. Descriptor
 * 3 says "ready"; one job then comes on standard input; the process ends with the program. `--snapshot` prints the memory of a
 * fresh interpreter instead, from which the others start in a seventh of the time.
 */
import { constants, readFileSync, writeSync } from "node:fs";

/** What the parent sends. */
interface PyodideJob {
  readonly files: Readonly<Record<string, string>>;
  readonly stdin: string;
}

/** The part of Pyodide that is used here. */
interface Interpreter {
  readonly FS: {
    mkdirTree(path: string): void;
    writeFile(path: string, text: string): void;
    chdir(path: string): void;
  };
  runPython(code: string): unknown;
  setStdin(options: { read(buffer: Uint8Array): number }): void;
  setStdout(options: { write(buffer: Uint8Array): number }): void;
  setStderr(options: { write(buffer: Uint8Array): number }): void;
  makeMemorySnapshot(): Uint8Array;
}

const RUN = `
def run():
    import sys
    sys.path.insert(0, "/box")
    sys.argv = ["/box/main.py"]
    space = {"__name__": "__main__", "__file__": "/box/main.py", "__builtins__": __builtins__}
    status = 0
    try:
        with open("/box/main.py") as file:
            code = compile(file.read(), "/box/main.py", "exec")
        exec(code, space)
    except SystemExit as error:
        status = error.code if type(error.code) is int else 0 if error.code is None else 1
    except BaseException:
        import traceback
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    return status
run()
`;

async function load(folder: string, snapshot: string | undefined): Promise<Interpreter> {
  // Pyodide asks for the constants in this way, which the permission model forbids.
  (process as unknown as { binding: () => unknown }).binding = () => ({ fs: constants });
  const { loadPyodide } = (await import(`${folder}/pyodide.mjs`)) as {
    loadPyodide(options: Readonly<Record<string, unknown>>): Promise<Interpreter>;
  };
  const env = { HOME: "/tmp", PYTHONHASHSEED: "0", LC_ALL: "C.UTF-8" };
  const memory =
    snapshot === undefined ? { _makeSnapshot: true } : { _loadSnapshot: new Uint8Array(readFileSync(snapshot)).buffer };
  return await loadPyodide({ indexURL: `${folder}/`, env, ...memory });
}

function runJob(interpreter: Interpreter, job: PyodideJob): number {
  const input = Buffer.from(job.stdin, "utf8");
  let at = 0;
  interpreter.setStdin({
    read: (buffer) => {
      const count = input.copy(buffer, 0, at, at + buffer.length);
      at += count;
      return count;
    },
  });
  interpreter.setStdout({ write: (buffer) => writeAll(1, buffer) });
  interpreter.setStderr({ write: (buffer) => writeAll(2, buffer) });
  for (const [path, text] of Object.entries(job.files)) {
    interpreter.FS.mkdirTree(`/box/${path}`.replace(/\/[^/]*$/, ""));
    interpreter.FS.writeFile(`/box/${path}`, text);
  }
  interpreter.FS.mkdirTree("/tmp");
  interpreter.FS.chdir("/tmp");
  return Number(interpreter.runPython(RUN));
}

function writeAll(descriptor: number, bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
  }
  return bytes.length;
}

/** Ends with the parent as well: a spare child of a parent that is gone reads an empty job, and fails. */
async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

const [folder = "", option] = process.argv.slice(2);
const interpreter = await load(folder, option === "--snapshot" ? undefined : option);
if (option === "--snapshot") writeAll(1, interpreter.makeMemorySnapshot());
else {
  writeAll(3, Buffer.from("ready\n"));
  try {
    process.exitCode = runJob(interpreter, JSON.parse(await readInput()) as PyodideJob);
  } catch (error) {
    // An interpreter that died (out of memory, too deep a recursion) leaves no Python exception.
    const { name, message, status } = error as { name?: string; message?: string; status?: number };
    if (typeof status !== "number") writeAll(2, Buffer.from(`${name}: ${message}\n`.slice(0, 2000)));
    process.exitCode = typeof status === "number" ? status : 1;
  }
}
