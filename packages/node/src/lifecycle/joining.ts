import { createClient } from "@coffer/client";
import type { Client } from "@coffer/client";
import { deriveKey, invalid, RequestError } from "@coffer/state-machine";
import type { JoinRequest } from "@coffer/state-machine";
import { createNodeKey } from "../certificates/certificates.js";
import { answerChallenge, open } from "./join-protocol.js";
import type { NodeIdentity } from "./node-identity.js";

/**
 * The joining node's side of sys/storage/raft/bootstrap/{challenge,answer}. It needs the root key: the active node hands out
 * the root key as sealed by the unseal key (which is as it lies in storage), and the operator's shares open that.
 */
export interface JoinOffer {
  readonly leader: Client;
  readonly nonVoter: boolean;
  readonly shares: number;
  readonly threshold: number;
  /** The root key, sealed by the unseal key. */
  readonly sealedRootKey: Uint8Array;
}

interface ChallengeData {
  readonly challenge: string;
  readonly seal_config: { readonly type: string; readonly secret_shares: number; readonly secret_threshold: number; readonly sealed_root_key: string };
}

interface AnswerData {
  readonly cluster_id: string;
  readonly cluster_ca: string;
  readonly certificate: string;
  /** Base64; sealed with the key derived for `cluster-keys`. */
  readonly sealed_ca_key: string;
}

const TIMEOUT_MS = 10_000;

async function challenge(leader: Client, nodeId: string): Promise<ChallengeData> {
  const { data } = await leader.request<ChallengeData>("POST", "sys/storage/raft/bootstrap/challenge", { body: { server_id: nodeId } });
  if (typeof data?.challenge !== "string" || data.seal_config?.type !== "shamir" || typeof data.seal_config.sealed_root_key !== "string") throw new Error("the answer is not that of a Coffer node");
  return data;
}

/** Asks a node of the cluster what it takes to join. Rejects with the client's errors. */
export async function askToJoin(request: JoinRequest, nodeId: string): Promise<JoinOffer> {
  const leader = createClient({
    address: request.leaderApiAddress,
    ...(request.leaderCaCertificate !== undefined && { caCertPem: request.leaderCaCertificate }),
    ...(request.leaderClientCertificate !== undefined && { clientCert: request.leaderClientCertificate }),
    ...(request.leaderClientKey !== undefined && { clientKey: request.leaderClientKey }),
    ...(request.leaderTlsServerName !== undefined && { tlsServerName: request.leaderTlsServerName }),
    timeoutMs: TIMEOUT_MS,
    maxRetries: 0,
  });
  const { seal_config: seal } = await challenge(leader, nodeId);
  return { leader, nonVoter: request.nonVoter, shares: seal.secret_shares, threshold: seal.secret_threshold, sealedRootKey: Buffer.from(seal.sealed_root_key, "base64") };
}

/** Proves that the root key is known, and becomes a member. The caller stores the identity before it starts as one. */
export async function proveAndJoin(offer: JoinOffer, rootKey: Uint8Array, nodeId: string, clusterAddress: string): Promise<NodeIdentity> {
  const { key, publicKey } = await createNodeKey();
  const asked = await challenge(offer.leader, nodeId);
  const answer = answerChallenge(deriveKey(rootKey, "join-challenge"), Buffer.from(asked.challenge, "base64"), nodeId, publicKey);
  if (!answer) throw invalid("the unseal keys are not those of the cluster this node was asked to join");
  const { data } = await offer.leader.request<AnswerData>("POST", "sys/storage/raft/bootstrap/answer", {
    body: { server_id: nodeId, answer: Buffer.from(answer).toString("base64"), cluster_addr: clusterAddress, non_voter: offer.nonVoter, public_key: publicKey },
    timeoutMs: TIMEOUT_MS,
  });
  const caKey = open(deriveKey(rootKey, "cluster-keys"), Buffer.from(data.sealed_ca_key, "base64"));
  if (!caKey) throw new RequestError("upstream_failed", "the active node's answer cannot be opened");
  return { nodeId, clusterId: data.cluster_id, origin: "joiner", tls: { ca: data.cluster_ca, caKey: Buffer.from(caKey).toString(), certificate: data.certificate, key } };
}
