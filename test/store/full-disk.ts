import { type DurableFiles, nodeDurableFiles } from "../../src/adapters/store/durable-files.ts";

/** Real files on a disk that is full from the start for one operation: `write`, `sync` or `rename`. */
export function fullDisk(at: string): DurableFiles {
  const full = (): Promise<never> => Promise.reject(Object.assign(new Error("no space"), { code: "ENOSPC" }));
  return {
    ...nodeDurableFiles,
    rename: at === "rename" ? full : nodeDurableFiles.rename,
    open: async (name, flags) => {
      const file = await nodeDurableFiles.open(name, flags);
      return {
        write: at === "write" ? full : (...args) => file.write(...args),
        sync: at === "sync" ? full : () => file.sync(),
        read: (...args) => file.read(...args),
        truncate: (length) => file.truncate(length),
        stat: () => file.stat(),
        close: () => file.close(),
      };
    },
  };
}
