import { createAuthority } from "../certificate-authority.js";

export interface SampleRequest {
  /** Below the mount. */
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Nobody listens there: what would ask somebody is refused at once. */
const NOWHERE = "http://127.0.0.1:1";
const BASE64 = "c2FtcGxlIHRleHQ=";

/** What makes a "sample" of everything that an engine stores, so that paths beyond it are reached. By table and type. */
export async function samples(): Promise<Readonly<Record<string, readonly SampleRequest[]>>> {
  const authority = await createAuthority("CN=sample");
  const jwt = { jwt_validation_pubkeys: [await publicKey()], default_role: "sample" };
  const jwtRole = { role_type: "jwt", user_claim: "sub", bound_audiences: ["a"], bound_subject: "b" };
  const kvV2 = ["sample", "sample/path"].map((path) => ({ path: `data/${path}`, body: { data: { a: "b" }, options: {} } }));
  return {
    "auth/approle": [
      { path: "role/sample", body: { policies: ["default"], secret_id_num_uses: 3 } },
      { path: "role/sample/secret-id", body: { metadata: "{}" } },
      { path: "role/sample/custom-secret-id", body: { secret_id: "sample" } },
    ],
    "secret/aws": [
      { path: "config/root", body: { access_key: "sample", secret_key: "sample", region: "us-east-1", iam_endpoint: NOWHERE, sts_endpoint: NOWHERE, max_retries: 0 } },
      { path: "config/lease", body: { lease: "1h", lease_max: "2h" } },
      { path: "roles/sample", body: { credential_type: "iam_user", policy_arns: ["arn:aws:iam::aws:policy/ReadOnlyAccess"] } },
    ],
    "auth/aws": [
      { path: "config/client", body: { access_key: "sample", secret_key: "sample", sts_endpoint: NOWHERE, iam_endpoint: NOWHERE, max_retries: 0 } },
      { path: "config/sts/sample", body: { sts_role: "arn:aws:iam::123456789012:role/sample" } },
      { path: "role/sample", body: { auth_type: "iam", bound_iam_principal_arn: ["arn:aws:iam::123456789012:role/sample"], resolve_aws_unique_ids: false } },
    ],
    "auth/cert": [
      { path: "certs/sample", body: { certificate: authority.certificate, display_name: "sample" } },
      { path: "crls/sample", body: { crl: await authority.revocationList([]) } },
    ],
    "secret/cubbyhole": [{ path: "sample", body: { a: 1 } }],
    "secret/database": [
      { path: "config/sample", body: { plugin_name: "postgresql-database-plugin", verify_connection: false, allowed_roles: ["*"], connection_url: "postgresql://{{username}}:{{password}}@127.0.0.1:1/x", username: "a", password: "b" } },
      { path: "roles/sample", body: { db_name: "sample", creation_statements: ["CREATE ROLE"] } },
    ],
    "auth/github": [
      { path: "config", body: { organization: "sample", organization_id: 1, base_url: `${NOWHERE}/` } },
      { path: "map/teams/sample", body: { value: "default" } },
      { path: "map/users/sample", body: { value: "default" } },
    ],
    "secret/identity": [
      { path: "entity", body: { name: "sample", metadata: { a: "b" }, policies: ["default"] } },
      { path: "group", body: { name: "sample", type: "external", policies: ["default"] } },
      { path: "mfa/method/totp", body: { method_name: "sample", issuer: "sample" } },
      { path: "oidc/key/sample", body: { algorithm: "ES256", allowed_client_ids: ["*"] } },
      { path: "oidc/role/sample", body: { key: "sample", template: '{"a":{{identity.entity.name}}}' } },
      { path: "oidc/assignment/sample", body: { entity_ids: [], group_ids: [] } },
      { path: "oidc/scope/sample", body: { template: '{"a":{{identity.entity.name}}}' } },
      { path: "oidc/client/sample", body: { key: "sample", redirect_uris: [`${NOWHERE}/back`], assignments: ["allow_all"] } },
      { path: "oidc/provider/sample", body: { allowed_client_ids: ["*"], scopes_supported: ["sample"] } },
    ],
    "auth/jwt": [{ path: "config", body: jwt }, { path: "role/sample", body: jwtRole }],
    "auth/oidc": [{ path: "config", body: jwt }, { path: "role/sample", body: jwtRole }],
    "auth/kubernetes": [
      { path: "config", body: { kubernetes_host: NOWHERE, kubernetes_ca_cert: authority.certificate, pem_keys: [await publicKey()], disable_local_ca_jwt: true } },
      { path: "role/sample", body: { bound_service_account_names: ["a"], bound_service_account_namespaces: ["b"] } },
    ],
    "secret/kv-v1": [{ path: "sample", body: { a: 1 } }, { path: "sample/path", body: { a: 1 } }],
    "secret/kv-v2": [...kvV2, { path: "metadata/sample", body: { max_versions: 3, custom_metadata: { a: "b" } } }],
    "auth/ldap": [
      { path: "config", body: { url: "ldap://127.0.0.1:1", userdn: "ou=a", request_timeout: 1, connection_timeout: 1 } },
      { path: "users/sample", body: { policies: ["default"] } },
      { path: "groups/sample", body: { policies: ["default"] } },
    ],
    "secret/pki": [
      { path: "root/generate/internal", body: { common_name: "sample", key_type: "ec", ttl: "1000h", issuer_name: "sample", key_name: "sample" } },
      { path: "roles/sample", body: { key_type: "ec", allow_any_name: true, ttl: "1h" } },
      { path: "issue/sample", body: { common_name: "sample.example" } },
      { path: "config/cluster", body: { path: "https://127.0.0.1/v1/pki", aia_path: NOWHERE } },
      { path: "config/acme", body: { enabled: true } },
      { path: "intermediate/generate/internal", body: { common_name: "below", key_type: "ec" } },
    ],
    "secret/ssh": [
      { path: "config/ca", body: { generate_signing_key: true, key_type: "ed25519" } },
      { path: "roles/sample", body: { key_type: "ca", allow_user_certificates: true, default_user: "a", allowed_users: "*" } },
    ],
    "auth/token": [{ path: "roles/sample", body: { allowed_policies: ["default"] } }],
    "secret/totp": [{ path: "keys/sample", body: { generate: true, issuer: "sample", account_name: "a" } }],
    "secret/transit": [
      { path: "keys/sample", body: { type: "aes256-gcm96", exportable: true, allow_plaintext_backup: true } },
      { path: "keys/sample/config", body: { deletion_allowed: true, exportable: true, allow_plaintext_backup: true } },
      { path: "encrypt/sample", body: { plaintext: BASE64 } },
    ],
    "auth/userpass": [{ path: "users/sample", body: { password: "sample", policies: ["default"] } }],
    "secret/system": [
      { path: "policies/acl/sample", body: { policy: 'path "a" { capabilities = ["read"] }' } },
      { path: "policies/password/sample", body: { policy: 'length = 20\nrule "charset" { charset = "abcdefghij" }' } },
      { path: "mounts/sample", body: { type: "kv" } },
      { path: "auth/sample", body: { type: "userpass" } },
      { path: "quotas/rate-limit/sample", body: { rate: 1_000_000, path: "sample" } },
      { path: "quotas/lease-count/sample", body: { max_leases: 1_000_000, path: "auth/sample" } },
      { path: "mfa/method/totp/sample", body: { issuer: "sample" } },
    ],
  };
}

/** What makes use of the samples: what was taken must not break it, even where it is of no use. By table and type. */
export const USES: Readonly<Record<string, readonly SampleRequest[]>> = {
  "auth/approle": [{ path: "role/sample/secret-id", body: {} }, { path: "login", body: { role_id: "sample", secret_id: "sample" } }],
  "secret/database": [{ path: "reset/sample", body: {} }],
  "secret/identity": [{ path: "oidc/key/sample/rotate", body: {} }, { path: "oidc/provider/sample/token", body: { grant_type: "authorization_code", code: "a", client_id: "a" } }, { path: "lookup/entity", body: { name: "sample" } }],
  "auth/jwt": [{ path: "login", body: { role: "sample", jwt: "eyJhbGciOiJFUzI1NiJ9.e30.AAAA" } }],
  "auth/oidc": [{ path: "oidc/auth_url", body: { role: "sample", redirect_uri: "http://localhost:8250/oidc/callback" } }],
  "auth/kubernetes": [{ path: "login", body: { role: "sample", jwt: "eyJhbGciOiJFUzI1NiJ9.e30.AAAA" } }],
  "auth/ldap": [{ path: "login/sample", body: { password: "a" } }],
  "auth/github": [{ path: "login", body: { token: "a" } }],
  "auth/cert": [{ path: "login", body: { name: "sample" } }],
  "secret/kv-v2": [{ path: "data/sample", body: { data: { a: "c" } } }],
  "secret/pki": [{ path: "issue/sample", body: { common_name: "sample.example" } }, { path: "acme/new-eab", body: {} }],
  "secret/ssh": [{ path: "issue/sample", body: { key_type: "ed25519" } }, { path: "creds/sample", body: { ip: "127.0.0.1" } }],
  "auth/token": [{ path: "create/sample", body: {} }],
  "secret/totp": [{ path: "code/sample", body: { code: "000000" } }],
  "secret/transit": [{ path: "encrypt/sample", body: { plaintext: BASE64 } }, { path: "sign/sample", body: { input: BASE64 } }, { path: "hmac/sample", body: { input: BASE64 } }],
  "auth/userpass": [{ path: "login/sample", body: { password: "sample" } }],
  "secret/system": [{ path: "policies/password/sample/generate", body: {} }, { path: "capabilities-self", body: { paths: ["a"] } }],
};

/** Values by field name that get a request past its first checks, and keep it from making keys that take long. */
export const PLAUSIBLE: Readonly<Record<string, unknown>> = {
  plaintext: BASE64, input: BASE64, ciphertext: "vault:v1:AAAA", signature: "vault:v1:AAAA", common_name: "sample.example", key_type: "ec", username: "sample", role: "sample", name: "sample",
  password: "sample", bind_secret_id: true, otp: "sample", token: "sample", jwt: "e30.e30.e30", type: "kv", path: "sample/", policy: "", ttl: "1h",
};

async function publicKey(): Promise<string> {
  const { generateKeyPairSync } = await import("node:crypto");
  return generateKeyPairSync("ec", { namedCurve: "P-256", publicKeyEncoding: { type: "spki", format: "pem" }, privateKeyEncoding: { type: "pkcs8", format: "pem" } }).publicKey;
}
