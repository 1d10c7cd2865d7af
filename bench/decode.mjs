// How fast replies come: the embedded student beside transformers and llama.cpp, what the thinking-budget machine and a sweep
// cost, and what `grappa serve --upstream` adds to a server behind it. Ratios are of rounds in turn in one run; each figure comes
// with its least, its greatest and its rounds. docs/performance.md defines them.
// node bench/decode.mjs [--part rivals|overhead|sweep|proxy] [--threads 1] [--json]
// PYTHON names a python with torch and transformers, GRAPPA_LLAMA a node_modules with node-llama-cpp; what is missing is left out.
import { loadavg } from "node:os";
import { measureOverhead, measureSweep } from "./decode-overheads.mjs";
import { measureProxy } from "./decode-proxy.mjs";
import { measureRivals } from "./decode-rivals.mjs";
import { finish, flag } from "./figures.mjs";

const part = flag("part");
const threads = Number(flag("threads") ?? 1);
const figures = {};
const facts = { threads };
const loadBefore = loadavg()[0];
if (!part || part === "rivals") await measureRivals(figures, facts, threads);
if (!part || part === "overhead") await measureOverhead(figures, threads);
if (!part || part === "sweep") await measureSweep(figures, threads);
if (!part || part === "proxy") await measureProxy(figures);
facts.load = `${loadBefore.toFixed(1)} to ${loadavg()[0].toFixed(1)}`;
finish("decode", figures, facts);
