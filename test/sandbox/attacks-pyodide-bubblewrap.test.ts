import { attackPyodide } from "./pyodide-columns.ts";

attackPyodide("pyodide in bubblewrap", ["setpriv", "prlimit", "bwrap"]);
