import { randomUUID } from "node:crypto";
import type { NodeIdentity } from "./node-identity.js";

/** The first member of a new cluster: with it the cluster's own CA comes into being. */
export async function foundIdentity(nodeId: string): Promise<NodeIdentity> {
  const { createCa, createNodeKey, issueNodeCertificate } = await import("../certificates/certificates.js");
  const clusterId = randomUUID();
  const ca = await createCa(`Coffer cluster ${clusterId}`);
  const { key, publicKey } = await createNodeKey();
  const certificate = await issueNodeCertificate(ca, nodeId, publicKey);
  return { nodeId, clusterId, origin: "founding", tls: { ca: ca.certificate, caKey: ca.key, certificate, key } };
}
