import type { ActivityRecorder } from "@coffer/state-machine";
import type { Member } from "../lifecycle/member.js";

const PERIOD_MS = 5000;
/** Told at once. */
const SLICE = 1000;

/** Tells the node that leads who used this one: it writes that down. What it did not take is told again. */
export function startTellingClients(member: Member, activity: () => Pick<ActivityRecorder, "handOn"> | undefined): { stop(): void } {
  const tell = async (): Promise<void> => {
    if (member.thread.leader().isLeader) return;
    try {
      await activity()?.handOn(SLICE, async (clients) => (await member.active.ask({ kind: "clients", clients }, true)).kind === "taken");
    } catch {
      // Sealed: nothing can be read that says whether clients are counted. They wait.
    }
  };
  const timer = setInterval(() => void tell(), PERIOD_MS);
  return { stop: () => clearInterval(timer) };
}
