import { parentPort } from "node:worker_threads";
import { runDigestTask } from "./digest-arithmetic.js";
import type { DigestTask } from "./digest-arithmetic.js";

/** A thread's whole life: a task comes, its result goes. */
parentPort!.on("message", ({ id, task }: { readonly id: number; readonly task: DigestTask }) => {
  try {
    parentPort!.postMessage({ id, result: runDigestTask(task) });
  } catch (error) {
    parentPort!.postMessage({ id, failure: error instanceof Error ? error.message : String(error) });
  }
});
