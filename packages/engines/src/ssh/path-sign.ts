import { createHash } from "node:crypto";
import { data, definePath, field, invalid } from "@coffer/state-machine";
import type { EngineRequest, InputOf, Mount, ReadStorage } from "@coffer/state-machine";
import { certificateType, checkKey, checkKeySpec, criticalOptions, extensions, principals, ttl } from "./allowed.js";
import { signCertificate } from "./certificate.js";
import { newKeyPair, signerOf } from "./key-pair.js";
import { roleName } from "./name.js";
import { requireIssuer } from "./path-issuers.js";
import { parsePublicKey } from "./public-key.js";
import type { PublicKey } from "./public-key.js";
import { getRole } from "./storage.js";
import type { CaRole } from "./storage.js";

const FIELDS = {
  role: roleName({ description: "Name of the role.", required: true }),
  ttl: field.duration({ description: "How long the certificate is valid; the role's or the mount's default if absent." }),
  valid_principals: field.string({ description: "Users or hosts that the certificate is for, by commas." }),
  cert_type: field.string({ description: "Whose certificate it is: `user` or `host`.", default: "user" }),
  key_id: field.string({ description: "Key id, which sshd writes to its log.", default: "" }),
  critical_options: field.map({ description: "Critical options of the certificate.", default: {} }),
  extensions: field.map({ description: "Extensions of the certificate.", default: {} }),
};
type SignRequest = EngineRequest<InputOf<typeof FIELDS>>;

const NONCE_BYTES = 32;
const SERIAL_BYTES = 8;

function caRole(storage: ReadStorage, name: string, purpose: "sign certificates" | "issue key pairs"): CaRole {
  const role = getRole(storage, name);
  if (!role) throw invalid(`${purpose === "sign certificates" ? "Unknown" : "unknown"} role: ${name}`);
  if (role.key_type !== "ca") throw invalid(`role key type '${role.key_type}' not allowed to ${purpose}`);
  return role;
}

function keyId({ input, caller }: SignRequest, role: CaRole, publicKey: PublicKey): string {
  if (input.key_id !== "") {
    if (!role.allow_user_key_ids) throw invalid("setting key_id is not allowed by role");
    return input.key_id;
  }
  const displayName = caller?.displayName ?? "";
  const format = role.key_id_format || (displayName === "" ? "vault-{{public_key_hash}}" : "vault-{{token_display_name}}-{{public_key_hash}}");
  const values: Readonly<Record<string, string>> = { token_display_name: displayName, role_name: input.role, public_key_hash: createHash("sha256").update(publicKey.blob).digest("hex") };
  return format.replace(/\{\{(token_display_name|role_name|public_key_hash)\}\}/g, (_, name: string) => values[name]!);
}

interface Signed {
  readonly data: { readonly serial_number: string; readonly signed_key: string; readonly issuer_id: string };
  readonly warnings: readonly string[];
}

async function sign(request: SignRequest, role: CaRole, publicKey: PublicKey, storage: ReadStorage, mount: Mount): Promise<Signed> {
  const { input, identity } = request;
  const { env } = mount;
  const id = keyId(request, role, publicKey);
  const type = certificateType(role, input.cert_type);
  const names = principals(role, type, input.valid_principals, identity);
  const seconds = ttl(role, input.ttl, mount);
  const options = criticalOptions(role, input.critical_options);
  const granted = extensions(role, input.extensions, identity);
  const issuer = requireIssuer(storage, role.issuer_ref);
  const now = Math.floor(env.now() / 1000);
  const serial = Buffer.from(env.randomBytes(SERIAL_BYTES)).readBigUInt64BE();
  const content = { publicKey, serial, type, keyId: id, principals: names, validAfter: Math.max(0, now - role.not_before_duration), validBefore: now + seconds, criticalOptions: options, extensions: granted.extensions, nonce: env.randomBytes(NONCE_BYTES) };
  const signed_key = await signCertificate(content, await signerOf(issuer), role.algorithm_signer);
  return { data: { serial_number: serial.toString(16), signed_key, issuer_id: issuer.id }, warnings: granted.warnings };
}

const answer = ({ data: signed, warnings }: Signed, more: Readonly<Record<string, string>> = {}) => data({ ...signed, ...more }, warnings.length > 0 ? { warnings } : {});

export const signPath = definePath({
  template: "sign/{role}",
  help: { synopsis: "Signs a public key.", description: "The certificate says what the role allows; nothing of it is stored." },
  fields: { ...FIELDS, public_key: field.string({ description: "Public key that is signed.", default: "" }) },
  operations: {
    update: {
      effect: "read",
      summary: "Sign a public key.",
      async handler(request, storage, mount) {
        const role = caRole(storage, request.input.role, "sign certificates");
        if (request.input.public_key === "") throw invalid("missing public_key");
        const publicKey = parsePublicKey(request.input.public_key);
        checkKey(role, publicKey);
        return answer(await sign(request, role, publicKey, storage, mount));
      },
    },
  },
});

export const issuePath = definePath({
  template: "issue/{role}",
  help: { synopsis: "Generates a key pair, and signs it.", description: "The private key is in the answer and nowhere else." },
  fields: {
    ...FIELDS,
    key_type: field.string({ description: "Type of the key: rsa, ed25519 or ec.", default: "rsa" }),
    key_bits: field.int({ description: "Size of the key; 0 for the usual one.", default: 0 }),
  },
  operations: {
    update: {
      effect: "read",
      summary: "Generate and sign a key pair.",
      async handler(request, storage, mount) {
        const { role: name, key_type, key_bits } = request.input;
        const role = caRole(storage, name, "issue key pairs");
        checkKeySpec(role, key_type, key_bits);
        const pair = await newKeyPair(key_type, key_bits);
        return answer(await sign(request, role, parsePublicKey(pair.publicKey), storage, mount), { private_key: pair.privateKey, private_key_type: key_type });
      },
    },
  },
});
