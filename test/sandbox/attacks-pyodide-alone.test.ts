import { attackPyodide } from "./pyodide-columns.ts";

attackPyodide("pyodide alone", ["setpriv", "prlimit"]);
