import { definePath, denied, field, grantFor, invalid, isWithin, loginDisplayName, RequestError } from "@coffer/state-machine";
import { checkExpected } from "../web-tokens/expected.js";
import { fitsGlob } from "../web-tokens/glob.js";
import { claimsWithoutSignature, publicKeyFrom, SIGNATURE_ALGORITHMS, TokenRefused, verifyWithKeys } from "../web-tokens/signature.js";
import type { Claims } from "../web-tokens/signature.js";
import { aliasAnnotations, namespaceLabels, review } from "./api.js";
import { withPod } from "./pod.js";
import { selectorFrom, selects } from "./selector.js";
import { serviceAccountOf } from "./service-account.js";
import type { ServiceAccount } from "./service-account.js";
import { getConfig, getRole } from "./storage.js";
import type { KubernetesConfig, KubernetesRole } from "./storage.js";

/** What Vault takes for the issuer where a configuration wants one checked and names none. */
const DEFAULT_ISSUER = "kubernetes/serviceaccount";

export const loginPath = definePath({
  template: "login",
  help: { synopsis: "Logs a service account in.", description: "The token must fit the role, and the cluster must say, asked with a TokenReview, that it is good." },
  fields: {
    role: field.string({ description: "The role to log in with.", default: "" }),
    jwt: field.string({ description: "The service account's token.", default: "", sensitive: true }),
  },
  operations: {
    update: {
      effect: "write",
      access: "none",
      summary: "Log in.",
      roleOf: ({ input }) => input.role || undefined,
      async handler({ input, remoteAddress }, storage, mount) {
        for (const name of ["role", "jwt"] as const) if (input[name] === "") throw invalid(`missing ${name}`);
        const role = getRole(storage, input.role);
        if (!role) throw invalid(`invalid role name ${JSON.stringify(input.role)}`);
        if (!isWithin(role.tokens.parameters.token_bound_cidrs, remoteAddress)) throw denied();
        const stored = getConfig(storage);
        if (!stored) throw invalid("could not load backend configuration");
        const config = await withPod(stored);
        const account = await accountFrom(input.jwt, role, config, mount.env.now());
        await review(input.jwt, account, role.audience, config).catch(() => {
          throw denied();
        });
        const metadata = { service_account_uid: account.uid, service_account_name: account.name, service_account_namespace: account.namespace, service_account_secret_name: account.secretName };
        const annotations = await annotationsOf(input.jwt, account, config);
        const grant = grantFor(role.tokens, {
          displayName: loginDisplayName(mount, `${account.namespace}-${account.name}`),
          metadata: { ...metadata, role: input.role },
          alias: { name: role.alias_name_source === "serviceaccount_name" ? `${account.namespace}/${account.name}` : account.uid, metadata: { ...annotations, ...metadata } },
          internalData: { role: input.role },
          remoteAddress,
        });
        return { kind: "envelope", data: null, grant };
      },
    },
  },
});

const forbidden = (message: string): RequestError => new RequestError("permission_denied", message);

/** The account that a token speaks of, where the role lets it in. Throws RequestError 403. */
async function accountFrom(token: string, role: KubernetesRole, config: KubernetesConfig, now: number): Promise<ServiceAccount> {
  const claims = await claimsOf(token, config);
  let account: ServiceAccount;
  try {
    const issuer = config.disable_iss_validation ? "" : config.issuer === "" ? DEFAULT_ISSUER : config.issuer;
    checkExpected(claims, { issuer, subject: "", audiences: role.audience === "" ? [] : [role.audience], leeways: { clockSkew: 0, expiration: 0, notBefore: 0 }, timeless: true }, now);
    account = serviceAccountOf(claims);
  } catch (error) {
    throw error instanceof TokenRefused ? forbidden(error.message) : error;
  }
  if (!role.bound_service_account_names.some((one) => fitsGlob(one, account.name))) throw forbidden("service account name not authorized");
  await checkNamespace(account.namespace, role, config);
  if (account.uid === "") throw forbidden("could not parse UID from claims");
  return account;
}

/** Who may annotate an account cannot take the names that say who it is. Throws RequestError 403. */
async function annotationsOf(token: string, account: ServiceAccount, config: KubernetesConfig): Promise<Readonly<Record<string, string>>> {
  if (!config.use_annotations_as_alias_metadata) return {};
  return aliasAnnotations(token, account, config).catch((error: Error) => {
    throw forbidden(error.message);
  });
}

/** Without keys of its own, the cluster's review is what judges the signature. */
async function claimsOf(token: string, { pem_keys: keys }: KubernetesConfig): Promise<Claims> {
  try {
    return keys.length === 0 ? claimsWithoutSignature(token, SIGNATURE_ALGORITHMS) : await verifyWithKeys(token, keys.map(publicKeyFrom), SIGNATURE_ALGORITHMS);
  } catch (error) {
    throw error instanceof TokenRefused ? denied() : error;
  }
}

async function checkNamespace(namespace: string, role: KubernetesRole, config: KubernetesConfig): Promise<void> {
  if (role.bound_service_account_namespaces.some((one) => fitsGlob(one, namespace))) return;
  const selector = await selectorFrom(role.bound_service_account_namespace_selector);
  if (!selector) throw forbidden("namespace not authorized");
  const labels = await namespaceLabels(namespace, config).catch((error: Error) => {
    throw forbidden(`namespace not authorized err=${error.message}`);
  });
  if (!selects(selector, labels)) throw forbidden("namespace not authorized");
}
