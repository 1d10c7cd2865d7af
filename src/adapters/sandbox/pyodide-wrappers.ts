/** @file What stands around Pyodide's process: namespaces where a program can make them, an ordinary user, limits. */
import { findInSystem, findProgram, isRoot, type SandboxHost } from "./sandbox.ts";
import { ALONE, dropTo, systemFolders } from "./system-folders.ts";

/** One way to start the process. */
export interface PyodideWrapper {
  /** As it stands in the version that is recorded. */
  readonly name: string;
  readonly command: readonly string[];
  /** Whether the network stays open, or other processes stay in reach. */
  readonly isPartial: boolean;
}

/**
 * Of everything that the process may write to, address space aside: an interpreter takes 0.4 GB of it, WebAssembly grows within the
 * rest. CPU time is a second line behind the wall clock, for a child whose parent was killed.
 */
const LIMITS = ["--data=2147483648", "--cpu=600", "--fsize=0", "--core=0"];

/** Ways to start the process, best first; the last needs nothing but Node. `places` are what the process reads. */
export async function pyodideWrappers(host: SandboxHost, places: readonly string[]): Promise<PyodideWrapper[]> {
  const [bwrap, unshare, setpriv] = await Promise.all(
    ["bwrap", "unshare", "setpriv"].map((name) => findProgram(name, host.path)),
  );
  const prlimit = await findInSystem("prlimit", host.path);
  const drop = isRoot() && setpriv !== undefined ? dropTo(setpriv, host.unprivilegedUid) : [];
  // bubblewrap sees to this by itself: a process whose parent was killed is killed too.
  const follow = setpriv === undefined ? [] : [setpriv, "--pdeathsig=KILL", "--"];
  const limit = prlimit === undefined ? [] : [prlimit, ...LIMITS];
  const isOrdinary = !isRoot() || setpriv !== undefined;
  const wrappers: PyodideWrapper[] = [];
  if (bwrap !== undefined && isOrdinary) {
    const view = [...systemFolders(places.filter((place) => !place.startsWith("/usr/"))), "--dir", "/dev"];
    const devices = ["null", "urandom"].flatMap((name) => ["--dev-bind", `/dev/${name}`, `/dev/${name}`]);
    const bwrapArgs = [...ALONE, "--clearenv", ...view, ...devices, "--remount-ro", "/", "--chdir", "/", "--"];
    wrappers.push({ name: "bubblewrap", command: [...drop, bwrap, ...bwrapArgs, ...limit], isPartial: false });
  }
  if (unshare !== undefined && isOrdinary) {
    const flags = ["--user", "--net", "--ipc", "--pid", "--fork", "--kill-child", "--"];
    wrappers.push({ name: "unshare", command: [...drop, ...follow, unshare, ...flags, ...limit], isPartial: false });
  }
  wrappers.push({ name: "network open", command: [...drop, ...follow, ...limit], isPartial: true });
  if (drop.length > 0)
    wrappers.push({ name: "network open, as root", command: [...follow, ...limit], isPartial: true });
  return wrappers;
}
