import { Worker } from "node:worker_threads";
import type { DigestResult, DigestTask } from "./digest-arithmetic.js";

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
}

type Answer = { readonly id: number; readonly result?: unknown; readonly failure?: string };

/** One, started by the first task. It keeps no process alive but while somebody waits for it. */
let thread: Thread | undefined;
let last = 0;

function start(): Thread {
  const worker = new Worker(new URL("./digest-worker.js", import.meta.url), { name: "transit" });
  const started: Thread = { worker, waiting: new Map() };
  worker.on("message", ({ id, result, failure }: Answer) => {
    const { resolve, reject } = started.waiting.get(id)!;
    started.waiting.delete(id);
    if (started.waiting.size === 0) worker.unref();
    if (failure === undefined) resolve(result as never);
    else reject(new Error(failure));
  });
  const end = (error: Error) => {
    if (thread === started) thread = undefined;
    for (const { reject } of started.waiting.values()) reject(error);
    started.waiting.clear();
  };
  worker.once("error", end);
  worker.once("exit", () => end(new Error("the thread for signatures of digests has ended")));
  return started;
}

/** Does the task on a thread of its own. Rejects with what it throws there. */
export function onDigestThread<T extends DigestTask>(task: T): Promise<DigestResult<T>> {
  const { worker, waiting } = (thread ??= start());
  const id = ++last;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker.ref();
    worker.postMessage({ id, task });
  });
}
