import { deriveKey, invalid, jsonCodec, readSealConfig, readWraps, RequestError, ROOT_KEY_KEY } from "@coffer/state-machine";
import type { Barrier, ReadStorage, Store } from "@coffer/state-machine";
import type { MembershipResult } from "@coffer/raft";
import { createChallengeBook, seal } from "../lifecycle/join-protocol.js";
import type { Member } from "../lifecycle/member.js";
import type { Logger } from "../logging/logger.js";

/** The active node's side of a join. */
export interface Admission {
  challenge(serverId: string): { readonly challenge: Uint8Array; readonly sealConfig: Readonly<Record<string, unknown>> };
  answer(input: Candidate): Promise<Readonly<Record<string, unknown>>>;
  /** Whether a server joined to vote. */
  isForVote(serverId: string): boolean;
  /** Gives a server its vote once it has caught up, which may take minutes. One that is being removed meanwhile stays away. */
  promote(server: { readonly id: string; readonly address: string }): Promise<MembershipResult>;
  /** From now on a server is to vote (autopilot gives it its vote), or is never to. Throws RequestError 400 for one that is not there, or is that already. */
  letVote(serverId: string, votes: boolean): Promise<void>;
  /** Throws RequestError 400 for a server that is not there. */
  remove(serverId: string): Promise<void>;
}

export interface Candidate {
  readonly serverId: string;
  readonly answer: Uint8Array;
  /** URL or host:port. */
  readonly clusterAddress: string;
  readonly nonVoter: boolean;
  readonly publicKey: string;
}

/** Kept below `core/`: what a server joined as. A new leader goes on with what the old one began. */
interface ServerRecord {
  readonly nonVoter: boolean;
}

const recordKey = (id: string) => `raft/server/${id}`;
const recordCodec = jsonCodec<ServerRecord>();
const SERVER_ID = /^[\w.:-]{1,128}$/;

const HIGHEST_PORT = 65_535;

export function hostAndPort(address: string): string {
  const text = address.replace(/^\w+:\/\//, "").replace(/\/$/, "");
  const port = /^(?:\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})$/.exec(text)?.[1];
  if (port === undefined || Number(port) < 1 || Number(port) > HIGHEST_PORT) throw invalid(`cluster address ${JSON.stringify(address)} is not host:port`);
  return text;
}

/** Throws what the caller of a membership change is told. */
export function changed(result: MembershipResult): void {
  if (result.ok) return;
  switch (result.reason) {
    case "not-leader":
      throw new RequestError("no_active_node", "this node is not the active node any more; try again");
    case "change-in-progress":
      throw new RequestError("overloaded", "another change of the cluster is under way; try again");
    case "timeout":
      throw new RequestError("overloaded", result.message);
    case "leads":
    case "last-voter":
    case "unknown-server":
    case "id-in-use":
      throw invalid(result.message);
  }
}

export interface AdmissionOptions {
  readonly member: () => Member | undefined;
  readonly store: Store;
  readonly barrier: Barrier;
  readonly logger: Logger;
  readonly now: () => number;
}

export function createAdmission({ member, store, barrier, logger, now }: AdmissionOptions): Admission {
  const book = createChallengeBook(now);
  /** Servers that are being removed: a vote that comes late would bring them back. */
  const leaving = new Set<string>();

  function current(): Member {
    const found = member();
    if (!found) throw invalid("this node keeps its data in memory: it has no cluster to join");
    return found;
  }

  const record = (storage: ReadStorage, id: string) => storage.get(recordKey(id), recordCodec);

  /** A join whose answer got lost is begun anew; a server that has ever taken part is not replaced under its id. */
  async function makeRoom(found: Member, serverId: string): Promise<void> {
    const status = await found.thread.call("status", null);
    const known = status.servers.find(({ id }) => id === serverId);
    if (!known) return;
    if (known.voter || known.matchIndex > 0) throw invalid(`a server with the id ${JSON.stringify(serverId)} is part of the cluster; if it is gone for good, remove it first: coffer operator raft remove-peer ${serverId}`);
    changed(await found.thread.call("removeServer", serverId));
  }

  function isForVote(serverId: string): boolean {
    const { value } = store.evaluate((tx) => record(tx.scoped("core/"), serverId));
    return value !== undefined && !value.nonVoter;
  }

  return {
    challenge(serverId) {
      current();
      if (!SERVER_ID.test(serverId)) throw invalid(`invalid server id ${JSON.stringify(serverId)}: letters, digits, '.', '_', ':' and '-', at most 128`);
      const { value } = store.evaluate((tx) => ({ config: readSealConfig(tx), sealedRootKey: tx.getRaw(ROOT_KEY_KEY), wraps: readWraps(tx) }));
      if (!value.config) throw invalid("Vault is not initialized");
      return {
        challenge: book.challenge(barrier.derive("join-challenge"), serverId),
        // As it lies in storage: only the unseal key, which the shares make, opens it, or who may use the seal.
        sealConfig: { ...value.config, ...(value.sealedRootKey ? { sealed_root_key: Buffer.from(value.sealedRootKey).toString("base64") } : { root_key_wraps: value.wraps }) },
      };
    },
    async answer({ serverId, answer, clusterAddress, nonVoter, publicKey }) {
      const found = current();
      const address = hostAndPort(clusterAddress);
      if (!book.accept(barrier.derive("join-challenge"), serverId, publicKey, answer)) throw new RequestError("permission_denied", "the answer does not fit the challenge");
      const { tls, clusterId } = found.identity;
      let certificate: string;
      try {
        const { issueNodeCertificate } = await import("../certificates/certificates.js");
        certificate = await issueNodeCertificate({ certificate: tls.ca, key: tls.caKey }, serverId, publicKey);
      } catch {
        throw invalid("public_key is not a P-256 key in PEM");
      }
      await makeRoom(found, serverId);
      const { outcome } = await store.transact((tx) => tx.scoped("core/").put(recordKey(serverId), recordCodec, { nonVoter }));
      if (outcome.outcome !== "applied") throw new RequestError("no_active_node", "the join could not be recorded; try again");
      changed(await found.thread.call("addServer", { id: serverId, address, voter: false }));
      logger.info("a server joined", { id: serverId, address, non_voter: nonVoter });
      const sealedCaKey = seal(deriveKey(barrier.rootKey(), "cluster-keys"), Buffer.from(tls.caKey));
      return { cluster_id: clusterId, cluster_ca: tls.ca, certificate, sealed_ca_key: Buffer.from(sealedCaKey).toString("base64") };
    },
    isForVote,
    async promote(server) {
      const found = current();
      const { servers } = await found.thread.call("status", null);
      // Nothing is awaited between this look at the servers and the request below: what was removed since is known by then.
      if (leaving.has(server.id) || !servers.some(({ id, address }) => id === server.id && address === server.address)) return { ok: false, reason: "unknown-server", message: `${server.id} was removed` };
      return found.thread.call("addServer", { ...server, voter: true });
    },
    async letVote(serverId, votes) {
      const found = current();
      const { servers } = await found.thread.call("status", null);
      const server = servers.find(({ id }) => id === serverId);
      if (!server) throw invalid(`server ${serverId} not found in raft configuration`);
      if (votes ? server.voter || isForVote(serverId) : !server.voter && !isForVote(serverId)) throw invalid(votes ? "server is not a non-voter" : "server is a non-voter already");
      if (!votes && serverId === found.identity.nodeId) throw invalid(`${serverId} leads the cluster: let another one take over first, by coffer operator step-down`);
      // First what autopilot goes by: it would undo the rest.
      const { outcome } = await store.transact((tx) => tx.scoped("core/").put(recordKey(serverId), recordCodec, { nonVoter: !votes }));
      if (outcome.outcome !== "applied") throw new RequestError("no_active_node", "the change could not be recorded; try again");
      if (!votes) changed(await found.thread.call("demoteServer", serverId));
      logger.info(votes ? "a server is to vote" : "a server votes no more", { id: serverId });
    },
    async remove(serverId) {
      const found = current();
      leaving.add(serverId);
      try {
        changed(await found.thread.call("removeServer", serverId));
      } finally {
        leaving.delete(serverId);
      }
      // Of no effect any more, and not to be had where this server itself has left.
      await store.transact((tx) => tx.scoped("core/").delete(recordKey(serverId))).catch(() => undefined);
    },
  };
}
