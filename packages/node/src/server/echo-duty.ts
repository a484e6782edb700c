import type { Member } from "../lifecycle/member.js";
import type { Echoes } from "../cluster/echoes.js";

const PERIOD_MS = 1000;

/** Tells the node that leads about this one, and learns its address: once a second, and at once when another one leads. */
export function startEchoes(member: Member, echoes: Echoes): { stop(): void } {
  const tell = () => {
    if (member.thread.leader().isLeader) return;
    void member.active.ask({ kind: "echo", echo: echoes.own }, true).then((answer) => {
      if (answer.kind === "echo") echoes.heard(answer.echo);
    });
  };
  const timer = setInterval(tell, PERIOD_MS);
  const stopListening = member.thread.onLeader(tell);
  tell();
  return {
    stop() {
      clearInterval(timer);
      stopListening();
    },
  };
}
