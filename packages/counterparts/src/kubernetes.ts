import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import type { ServerCertificate } from "./account.js";
import { bearerOf, startWebServer } from "./web-server.js";
import type { WebServer } from "./web-server.js";

/** The API server of a cluster, as far as it vouches for service accounts. */
export interface Kubernetes extends WebServer {
  /** A token of a service account, which may have tokens reviewed too. */
  tokenOf(namespace: string, account: string): string;
}

interface Review {
  readonly spec: { readonly token: string; readonly audiences?: readonly string[] };
}

const AUDIENCE = "https://kubernetes.default.svc.cluster.local";
const failure = (code: number, reason: string) => ({ status: code, json: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", reason, code } });
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** TokenReview (https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/), by TLS. */
export async function startKubernetes(tls: ServerCertificate): Promise<Kubernetes> {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const issued = new Map<string, { readonly namespace: string; readonly account: string; readonly uid: string }>();
  const server = await startWebServer((request, body) => {
    if (!issued.has(bearerOf(request))) return failure(401, "Unauthorized");
    if (request.method !== "POST" || request.url !== "/apis/authentication.k8s.io/v1/tokenreviews") return failure(404, "NotFound");
    const review = JSON.parse(body) as Review;
    const owner = issued.get(review.spec.token);
    const isMeant = review.spec.audiences?.includes(AUDIENCE) ?? true;
    if (!owner || !isMeant) return { status: 201, json: { ...review, status: { user: {}, error: "[invalid bearer token]" } } };
    const groups = ["system:serviceaccounts", `system:serviceaccounts:${owner.namespace}`, "system:authenticated"];
    return { status: 201, json: { ...review, status: { authenticated: true, audiences: [AUDIENCE], user: { username: `system:serviceaccount:${owner.namespace}:${owner.account}`, uid: owner.uid, groups } } } };
  }, tls);
  return {
    ...server,
    tokenOf(namespace, account) {
      const uid = randomUUID();
      const now = Math.floor(Date.now() / 1000);
      const claims = { iss: AUDIENCE, aud: [AUDIENCE], sub: `system:serviceaccount:${namespace}:${account}`, iat: now, nbf: now, exp: now + 3600, "kubernetes.io": { namespace, serviceaccount: { name: account, uid } } };
      const signed = `${encode({ alg: "RS256", typ: "JWT", kid: "1" })}.${encode(claims)}`;
      const token = `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`;
      issued.set(token, { namespace, account, uid });
      return token;
    },
  };
}
