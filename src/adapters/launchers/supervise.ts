/** @file The program of the process that watches over a job: `node supervise.js TRY-FOLDER`, its order on standard input. */
import { text } from "node:stream/consumers";
import { supervise, SupervisorOrder } from "./supervisor.ts";

const folder = process.argv[2] ?? "";
await supervise(folder, SupervisorOrder.parse(JSON.parse(await text(process.stdin))));
