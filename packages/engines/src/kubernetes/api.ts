import { jsonObject, outgoing } from "../outgoing/request.js";
import type { OutgoingAnswer } from "../outgoing/request.js";
import type { ServiceAccount } from "./service-account.js";
import type { KubernetesConfig } from "./storage.js";

/** Rejects unless the cluster takes the token, as this account's. Why not is nobody's business but the cluster's. */
export async function review(token: string, account: ServiceAccount, audience: string, config: KubernetesConfig): Promise<void> {
  const audiences = audience === "" ? account.audiences : [audience];
  const bearer = config.token_reviewer_jwt === "" ? token : config.token_reviewer_jwt;
  const answer = await call(config, bearer, "/apis/authentication.k8s.io/v1/tokenreviews", {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenReview",
    metadata: {},
    spec: { token, ...(audiences.length > 0 && { audiences }) },
    status: {},
  });
  if (answer.status < 200 || answer.status > 206) throw new Error(`lookup failed: status ${answer.status}`);
  const status = (jsonObject(answer.text)?.["status"] ?? {}) as ReviewStatus;
  if (status.error) throw new Error("lookup failed: the token was refused");
  if (status.authenticated !== true) throw new Error("lookup failed: service account jwt not valid");
  if (audiences.length > 0 && !audiences.some((one) => status.audiences?.includes(one))) throw new Error("lookup failed: service account jwt is for other audiences");
  // system:serviceaccount:NAMESPACE:NAME
  const [system, kind, namespace, name, ...rest] = (status.user?.username ?? "").split(":");
  if (system !== "system" || kind !== "serviceaccount" || rest.length > 0) throw new Error("lookup failed: username returned is not a service account");
  if (name !== account.name) throw new Error("JWT names did not match");
  if (status.user?.uid !== account.uid) throw new Error("JWT UIDs did not match");
  if (namespace !== account.namespace) throw new Error("JWT namespaces did not match");
}

/** Of a TokenReview (authentication.k8s.io/v1). */
interface ReviewStatus {
  readonly authenticated?: unknown;
  readonly error?: string;
  readonly audiences?: readonly string[];
  readonly user?: { readonly username?: string; readonly uid?: string };
}

/** A namespace's labels. Rejects where they cannot be read. */
export async function namespaceLabels(namespace: string, config: KubernetesConfig): Promise<Readonly<Record<string, unknown>>> {
  if (config.token_reviewer_jwt === "") throw new Error("namespace lookup failed: TokenReviewer JWT needs to be configured to use namespace selectors");
  const { status, text } = await call(config, config.token_reviewer_jwt, `/api/v1/namespaces/${encodeURIComponent(namespace)}`);
  if (status !== 200) throw new Error(`failed to get namespace (code ${status})`);
  const metadata = jsonObject(text)?.["metadata"] as { readonly labels?: Readonly<Record<string, unknown>> } | undefined;
  return metadata?.labels ?? {};
}

const ANNOTATION = "vault.hashicorp.com/alias-metadata-";
/** Of an alias' metadata: so many pairs, and so many characters a value. */
const MOST_PAIRS = 50;
const MOST_CHARACTERS = 512;

/** What an account's annotations say for its alias, by their names without the prefix. Rejects where they cannot be read. */
export async function aliasAnnotations(token: string, { namespace, name }: ServiceAccount, config: KubernetesConfig): Promise<Readonly<Record<string, string>>> {
  const bearer = config.token_reviewer_jwt === "" ? token : config.token_reviewer_jwt;
  const { status, text } = await call(config, bearer, `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${encodeURIComponent(name)}`);
  if (status !== 200) throw new Error(`failed to get service account annotations (code ${status})`);
  const metadata = jsonObject(text)?.["metadata"] as { readonly annotations?: Readonly<Record<string, unknown>> } | undefined;
  const pairs = Object.entries(metadata?.annotations ?? {}).flatMap(([key, value]) => (key.startsWith(ANNOTATION) && typeof value === "string" ? [[key.slice(ANNOTATION.length), value] as const] : []));
  if (pairs.length > MOST_PAIRS || pairs.some(([, value]) => value.length > MOST_CHARACTERS)) throw new Error(`more than ${MOST_PAIRS} annotations, or one of more than ${MOST_CHARACTERS} characters`);
  return Object.fromEntries(pairs);
}

function call({ kubernetes_host: host, kubernetes_ca_cert: ca }: KubernetesConfig, bearer: string, path: string, body?: Readonly<Record<string, unknown>>): Promise<OutgoingAnswer> {
  return outgoing({
    url: host.replace(/\/$/, "") + path,
    method: body ? "POST" : "GET",
    headers: { authorization: `Bearer ${bearer}`, accept: "application/json", ...(body && { "content-type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
    ca,
  });
}
