import { openConnection } from "./connection.js";
import type { Asked, ClusterTls, Connection } from "./connection.js";
import type { Question } from "./wire.js";

export type { Asked } from "./connection.js";

/** The stream to the node that leads. Questions go out at once; answers come in any order. */
export interface ActiveNodeClient {
  /** host:port of the cluster listener; undefined where nobody is known to lead. */
  pointTo(address: string | undefined): void;
  /** This node leads itself: what is out may still be answered, nothing more is asked. */
  pointHere(): void;
  /** Never rejects. `isRepeatable`: it changes nothing, so that it may as well be asked again. */
  ask(question: Question, isRepeatable: boolean): Promise<Asked>;
  close(): void;
}

/** A node that led a moment ago still tells how its last writes ended: it gives up on them itself after two seconds. */
const LEAVE_MS = 3000;

/** `answerTimeoutMs`: no request takes longer, so an answer that has not come by then never will. Undefined: they may. */
export function createActiveNodeClient(tls: ClusterTls, clusterId: string, answerTimeoutMs?: number): ActiveNodeClient {
  let target: string | undefined;
  let current: Connection | undefined;
  const left = new Set<Connection>();

  function connect(address: string): Connection {
    const made = openConnection(address, tls, clusterId, () => {
      if (current === made) current = undefined;
      left.delete(made);
    });
    return made;
  }

  function leave(which: Connection): void {
    current = undefined;
    left.add(which);
    which.leave(LEAVE_MS);
  }

  return {
    pointTo(address) {
      target = address;
      // While nobody leads, the one that did may yet answer, or lead again.
      if (current && address !== undefined && current.address !== address) leave(current);
      // So that the handshake is under way before the first question comes: after a hand-over requests wait for it.
      if (address !== undefined) current ??= connect(address);
    },
    pointHere() {
      target = undefined;
      if (current) leave(current);
    },
    ask(question, isRepeatable) {
      if (target === undefined) return Promise.resolve({ kind: "unsent" });
      current ??= connect(target);
      return current.ask(question, { isRepeatable, timeoutMs: answerTimeoutMs });
    },
    close() {
      target = undefined;
      for (const one of [...left, ...(current ? [current] : [])]) one.close();
    },
  };
}
