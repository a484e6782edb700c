import { isMainThread } from "node:worker_threads";

export const STALL_MS = 500;

/** Preloaded into a node under test: on SIGUSR2 its main thread does nothing else for a while. */
if (isMainThread) {
  process.on("SIGUSR2", () => {
    const end = performance.now() + STALL_MS;
    while (performance.now() < end);
  });
}
