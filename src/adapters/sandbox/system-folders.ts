import { existsSync, lstatSync, readlinkSync } from "node:fs";

/**
 * bubblewrap's flags for a read-only /usr and the top-level names that point into it or stand beside it, and for the further
 * places given; never /etc, /home, /root, /var, /proc or /sys.
 */
export function systemFolders(more: readonly string[]): string[] {
  const names = ["/bin", "/lib", "/lib64", "/lib32"].filter((name) => existsSync(name));
  return [
    ["--ro-bind", "/usr", "/usr", "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"],
    names.flatMap((name) =>
      lstatSync(name).isSymbolicLink() ? ["--symlink", readlinkSync(name), name] : ["--ro-bind", name, name],
    ),
    more.flatMap((place) => ["--ro-bind", place, place]),
  ].flat();
}

/** bubblewrap's flags for namespaces of its own, without a way to make further ones, that end with this process. */
export const ALONE: readonly string[] = [
  ["--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"],
  ["--disable-userns", "--die-with-parent", "--new-session", "--hostname", "sandbox"],
].flat();

/** setpriv's command to become an ordinary user without groups or capabilities before anything else starts. */
export function dropTo(setpriv: string, uid: number): string[] {
  return [setpriv, `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--inh-caps=-all", "--"];
}
