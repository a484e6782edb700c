import type { LogIndex, Message, NodeId, SnapshotMeta, Term } from "../core/types.js";
import { headerToWire, metaFromWire } from "../transport/wire.js";
import type { AppliedConfigurations } from "../host/applied-configurations.js";
import type { Disk } from "./disk.js";
import type { Running } from "./member.js";
import type { Port } from "./port.js";
import type { State, StatePoint } from "./state.js";

/** A whole state on its way to a follower. */
export interface Parcel {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: Term;
  readonly meta: SnapshotMeta;
  readonly point: StatePoint;
}

export interface Arrival {
  readonly parcel: Parcel;
  readonly answer: (installed: boolean) => void;
  accepted: boolean;
}

export interface ShippingPort extends Pick<Port, "random" | "checker" | "breakage" | "ship"> {
  readonly id: NodeId;
  readonly disk: Disk;
  readonly state: State;
  readonly later: (me: Running, delay: number, job: (me: Running) => void) => void;
  readonly drain: (me: Running) => void;
  readonly installed: (points: readonly StatePoint[]) => void;
}

/** Snapshots, sent and installed in the steps in which the host does it: a crash may fall between any two. */
export interface Shipping {
  send(me: Running, offer: Extract<Message, { type: "snapshot" }>): void;
  receive(me: Running, parcel: Parcel, answer: (installed: boolean) => void): void;
  /** The core accepted `meta`. */
  install(me: Running, meta: SnapshotMeta): void;
}

export function metaAt(point: StatePoint, configurations: AppliedConfigurations): SnapshotMeta {
  return { index: point.index, term: point.term, ...configurations.at(point.index) };
}

export function createShipping(port: ShippingPort): Shipping {
  const { id, disk, state, random, checker, later, drain } = port;

  function finished(me: Running, meta: SnapshotMeta | undefined): void {
    const { arrival } = me;
    me.arrival = undefined;
    if (meta) {
      me.configurations.installed(meta);
      checker.counts.installs += 1;
      me.checkedCommit = meta.index;
      port.installed([state.applied()]);
    }
    me.core.snapshotInstalled(meta?.index);
    arrival?.answer(meta !== undefined);
    me.reads.applied(state.applied().index);
    drain(me);
  }

  return {
    send(me, offer) {
      if (me.sendingTo.has(offer.to)) return;
      me.sendingTo.add(offer.to);
      later(me, random.int(1, 5), () => {
        const point = state.applied();
        // As its header says it on the wire.
        const meta = metaFromWire(headerToWire(id, offer.term, metaAt(point, me.configurations), "simulated"));
        const parcel = { from: id, to: offer.to, term: offer.term, meta: port.breakage.repacks?.(meta) ?? meta, point };
        port.ship(parcel, (installed) => later(me, 1, () => {
          me.sendingTo.delete(offer.to);
          me.core.reportSnapshot(offer.to, installed);
          drain(me);
        }));
      });
    },
    receive(me, parcel, answer) {
      if (me.arrival) {
        answer(false);
        return;
      }
      me.arrival = { parcel, answer, accepted: false };
      me.core.step({ type: "snapshot", from: parcel.from, to: id, term: parcel.term, meta: parcel.meta });
      drain(me);
      if (me.arrival?.parcel !== parcel || me.arrival.accepted) return;
      me.arrival = undefined;
      answer(reached(me) >= parcel.meta.index);
    },
    install(me, meta) {
      const { arrival } = me;
      if (!arrival || arrival.parcel.meta !== meta) {
        later(me, 1, () => finished(me, undefined));
        return;
      }
      arrival.accepted = true;
      const steps = [() => disk.expectSnapshot(meta), () => state.install(arrival.parcel.point), () => disk.reset(meta)];
      const isBusy = () => me.writing || me.applying || me.compacting || !me.pending.isEmpty();
      later(me, 5, function next() {
        // As in the host: after all that is queued for the log and the state, and no write of the log meanwhile.
        if (isBusy()) later(me, 5, next);
        else if (steps.length === 3 && random.chance(0.1)) finished(me, undefined);
        else {
          steps.shift()!();
          if (steps.length > 0) later(me, random.int(1, 5), next);
          else finished(me, meta);
        }
      });
    },
  };
}

function reached({ core }: Running): LogIndex {
  return core.status().commitIndex;
}
