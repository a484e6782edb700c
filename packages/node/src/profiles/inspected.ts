import { Session } from "node:inspector/promises";
import { RequestError } from "@coffer/state-machine";

const busy = new Set<string>();

/** Runs `work` in a session with V8's inspector, one of its kind at a time; throws RequestError 400 while there is another. */
export async function inspected<T>(what: string, work: (session: Session) => Promise<T>): Promise<T> {
  if (busy.has(what)) throw new RequestError("invalid_request", `a ${what} is being taken already`);
  busy.add(what);
  const session = new Session();
  try {
    session.connect();
    return await work(session);
  } finally {
    session.disconnect();
    busy.delete(what);
  }
}

/** Does not keep a process that is to end. */
export function pause(seconds: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, seconds * 1000).unref());
}
