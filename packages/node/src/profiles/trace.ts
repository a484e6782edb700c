import { inspected, pause } from "./inspected.js";

interface TraceEvent {
  readonly ph: string;
  readonly cat: string;
  readonly name: string;
}

/** Garbage collections and compilations, turns of the event loop. Not what files, names and URLs are asked for. */
const CATEGORIES = ["v8", "node.environment"];
/** The name of a process is its command line, and that of a node's other data says nothing of the trace. */
const SHOWN_METADATA = ["thread_name"];
/** What comes after so many is left out: they are kept in memory until the end. About 60 MB. */
const MOST_EVENTS = 200_000;

/** What the runtime does in the next seconds, in the format of Chrome's traces (Perfetto, chrome://tracing), JSON. */
export function runtimeTrace(seconds: number): Promise<string> {
  return inspected("trace", async (session) => {
    const events: TraceEvent[] = [];
    session.on("NodeTracing.dataCollected", ({ params }) => {
      if (events.length < MOST_EVENTS) events.push(...(params.value as unknown as TraceEvent[]));
    });
    const isComplete = new Promise<void>((resolve) => session.once("NodeTracing.tracingComplete", () => resolve()));
    await session.post("NodeTracing.start", { traceConfig: { includedCategories: CATEGORIES } });
    await pause(seconds);
    await session.post("NodeTracing.stop");
    await isComplete;
    return JSON.stringify({ traceEvents: events.filter(({ ph, name }) => ph !== "M" || SHOWN_METADATA.includes(name)) });
  });
}
