import { createPrivateKey, X509Certificate } from "node:crypto";
import { ApiError, createClient } from "@coffer/client";
import type { Client } from "@coffer/client";
import { checkSealConfig, deriveKey, invalid, isAutoSealed, RequestError } from "@coffer/state-machine";
import type { JoinRequest, RootKeyWrap } from "@coffer/state-machine";
import { answerChallenge, open } from "./join-protocol.js";
import type { NodeIdentity } from "./node-identity.js";

/**
 * The joining node's side of sys/storage/raft/bootstrap/{challenge,answer}. It needs the root key: the active node hands out
 * the root key as sealed by the unseal key (which is as it lies in storage), and the operator's shares open that.
 */
export interface JoinOffer {
  /** To be closed by whoever has the offer in the end. */
  readonly leader: Client;
  readonly nonVoter: boolean;
  /** Of the cluster's seal. */
  readonly type: string;
  readonly shares: number;
  readonly threshold: number;
  /** The root key, sealed by the unseal key; undefined under an auto seal. */
  readonly sealedRootKey: Uint8Array | undefined;
  /** Under an auto seal: the root key as the seals wrapped it. */
  readonly wraps: readonly RootKeyWrap[];
}

interface ChallengeData {
  readonly challenge: string;
  readonly seal_config: { readonly type: string; readonly secret_shares: number; readonly secret_threshold: number; readonly sealed_root_key?: string; readonly root_key_wraps?: readonly RootKeyWrap[] };
}

interface AnswerData {
  readonly cluster_id: string;
  readonly cluster_ca: string;
  readonly certificate: string;
  /** Base64; sealed with the key derived for `cluster-keys`. */
  readonly sealed_ca_key: string;
}

const TIMEOUT_MS = 10_000;
const CLIENT_ERROR = 400;
const SERVER_ERROR = 500;

/** What an operator is told of a conversation with another node that failed. */
function refusal(address: string, error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  if (error instanceof ApiError) {
    const text = `${address} refuses: ${error.errors.join("; ") || `status ${error.status}`}`;
    return error.status >= CLIENT_ERROR && error.status < SERVER_ERROR ? invalid(text) : new RequestError("upstream_failed", text);
  }
  return new RequestError("upstream_failed", `cannot join through ${address}: ${error instanceof Error ? error.message : String(error)}`);
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

const isWraps = (value: unknown): value is readonly RootKeyWrap[] =>
  Array.isArray(value) && value.length > 0 && value.every((wrap: Partial<RootKeyWrap> | null) => [wrap?.name, wrap?.type, wrap?.keyId, wrap?.ciphertext].every(isText));

async function challenge(leader: Client, nodeId: string): Promise<ChallengeData> {
  const { data } = await leader.request<ChallengeData>("POST", "sys/storage/raft/bootstrap/challenge", { body: { server_id: nodeId } });
  const seal = data?.seal_config;
  const isComplete = isText(data?.challenge) && isText(seal?.type) && (isAutoSealed(seal) ? isWraps(seal.root_key_wraps) : isText(seal.sealed_root_key));
  if (!isComplete) throw new Error("the answer is not that of a Coffer node");
  checkSealConfig(data.seal_config.secret_shares, data.seal_config.secret_threshold);
  return data;
}

/** What sys/storage/raft/join names is text, from a caller without a token: never a file of this machine, nor a socket in it. */
export function checkRequest({ leaderApiAddress, leaderClientCertificate, leaderClientKey }: JoinRequest): void {
  if (!/^https?:\/\//.test(leaderApiAddress)) throw invalid("leader_api_addr must be a URL that begins with http:// or https://");
  for (const pem of [leaderClientCertificate, leaderClientKey]) if (pem !== undefined && !pem.startsWith("-----BEGIN ")) throw invalid("leader_client_cert and leader_client_key must be PEM");
}

/** Asks a node of the cluster what it takes to join. Rejects with RequestError: 400 where it refuses, 502 where it cannot be asked. */
export async function askToJoin(request: JoinRequest, nodeId: string): Promise<JoinOffer> {
  checkRequest(request);
  let leader: Client | undefined;
  try {
    leader = createClient({
      address: request.leaderApiAddress,
      ...(request.leaderCaCertificate !== undefined && { caCertPem: request.leaderCaCertificate }),
      ...(request.leaderClientCertificate !== undefined && { clientCert: request.leaderClientCertificate }),
      ...(request.leaderClientKey !== undefined && { clientKey: request.leaderClientKey }),
      ...(request.leaderTlsServerName !== undefined && { tlsServerName: request.leaderTlsServerName }),
      timeoutMs: TIMEOUT_MS,
      maxRetries: 0,
    });
    const { seal_config: seal } = await challenge(leader, nodeId);
    return {
      leader,
      nonVoter: request.nonVoter,
      type: seal.type,
      shares: seal.secret_shares,
      threshold: seal.secret_threshold,
      sealedRootKey: seal.sealed_root_key === undefined ? undefined : Buffer.from(seal.sealed_root_key, "base64"),
      wraps: seal.root_key_wraps ?? [],
    };
  } catch (error) {
    leader?.close();
    throw refusal(request.leaderApiAddress, error);
  }
}

/**
 * Proves that the root key is known, and becomes a member. The caller stores the identity before it starts as one. An answer
 * that got lost may be asked for again. Rejects with RequestError.
 */
export async function proveAndJoin(offer: JoinOffer, rootKey: Uint8Array, nodeId: string, clusterAddress: string): Promise<NodeIdentity> {
  try {
    const { createNodeKey } = await import("../certificates/certificates.js");
    const { key, publicKey } = await createNodeKey();
    const asked = await challenge(offer.leader, nodeId);
    const answer = answerChallenge(deriveKey(rootKey, "join-challenge"), Buffer.from(asked.challenge, "base64"), nodeId, publicKey);
    if (!answer) throw invalid("the unseal keys are not those of the cluster this node was asked to join, nor is the seal");
    const { data } = await offer.leader.request<AnswerData>("POST", "sys/storage/raft/bootstrap/answer", {
      body: { server_id: nodeId, answer: Buffer.from(answer).toString("base64"), cluster_addr: clusterAddress, non_voter: offer.nonVoter, public_key: publicKey },
    });
    return identityFrom(data, rootKey, nodeId, key);
  } catch (error) {
    throw refusal(offer.leader.address, error);
  }
}

/**
 * The answer may have come over plain HTTP. Only a holder of the root key can have sealed the CA's key; so a CA and a
 * certificate that fit that key are the cluster's own, and nobody between has put theirs in their place.
 */
function identityFrom(data: AnswerData, rootKey: Uint8Array, nodeId: string, key: string): NodeIdentity {
  const { cluster_id: clusterId, cluster_ca: ca, certificate, sealed_ca_key: sealedCaKey } = data ?? {};
  if (![clusterId, ca, certificate, sealedCaKey].every(isText)) throw new RequestError("upstream_failed", "the active node's answer is incomplete");
  const opened = open(deriveKey(rootKey, "cluster-keys"), Buffer.from(sealedCaKey, "base64"));
  const caKey = opened && Buffer.from(opened).toString();
  if (caKey === undefined || !isGenuine({ ca, caKey, certificate, key })) throw new RequestError("upstream_failed", "the active node's answer cannot be trusted: it was not made with this cluster's keys");
  return { nodeId, clusterId, origin: "joining", tls: { ca, caKey, certificate, key } };
}

function isGenuine({ ca, caKey, certificate, key }: NodeIdentity["tls"]): boolean {
  try {
    const authority = new X509Certificate(ca);
    const own = new X509Certificate(certificate);
    return authority.checkPrivateKey(createPrivateKey(caKey)) && own.verify(authority.publicKey) && own.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}
