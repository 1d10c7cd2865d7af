import { attackPyodide } from "./pyodide-columns.ts";

attackPyodide("pyodide in unshare", ["setpriv", "prlimit", "unshare"]);
