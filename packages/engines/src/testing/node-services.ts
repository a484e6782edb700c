import type { SystemRooms, SystemServices } from "@coffer/state-machine";

/** A node of one, unsealed and active, as far as sys/ asks it; what acts on a real node refuses. */
export function fakeNodeServices(rooms: SystemRooms): SystemServices {
  const status = { type: "shamir", initialized: true, sealed: false, threshold: 1, shares: 1, progress: 0, nonce: "", recoverySeal: false, storageType: "memory" };
  const parts = {
    seal: { status: () => status, backends: () => [] },
    cluster: {
      leadership: () => ({ haEnabled: true, isLeader: true, leaderId: "test", term: 1, activeApiAddress: "", activeClusterAddress: "", activeSince: "" }),
      diskFault: () => undefined,
      committedIndex: () => 0,
      appliedIndex: () => 0,
    },
    keyring: { status: () => ({ term: 1, installTime: "2026-01-01T00:00:00Z", encryptions: 0 }) },
    node: { version: "0.0.0", buildDate: "", clusterName: () => "test", clusterId: () => "test" },
  };
  const refusing = <T extends object>(name: string, part: T): T =>
    new Proxy(part, {
      get: (target, member) => {
        if (member in target) return Reflect.get(target, member) as unknown;
        throw new Error(`the test harness has no ${name}.${String(member)}: it needs a real node`);
      },
    });
  return {
    seal: refusing("seal", parts.seal) as unknown as SystemServices["seal"],
    cluster: refusing("cluster", parts.cluster) as unknown as SystemServices["cluster"],
    keyring: refusing("keyring", parts.keyring) as unknown as SystemServices["keyring"],
    node: refusing("node", parts.node) as unknown as SystemServices["node"],
    generateRoot: refusing("generateRoot", {}) as unknown as SystemServices["generateRoot"],
    rekey: refusing("rekey", {}) as unknown as SystemServices["rekey"],
    rooms,
  };
}
