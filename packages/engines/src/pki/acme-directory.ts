import { raw } from "@coffer/state-machine";
import type { EngineRequest, Mount, RawResponse, ReadStorage, WriteStorage } from "@coffer/state-machine";
import { newNonce, verifyJws } from "./acme-jws.js";
import type { SignedRequest } from "./acme-jws.js";
import { AcmeProblem } from "./acme-problem.js";
import { getAcmeConfig } from "./acme-storage.js";
import type { Account } from "./acme-storage.js";
import { DEFAULT_REF, findIssuer } from "./authority.js";
import { verbatimRole } from "./path-issue.js";
import { getRole } from "./role.js";
import type { Role } from "./role.js";
import { filledFor, NOBODY } from "./role-templates.js";
import { getCluster } from "./storage.js";

/** What is in front of `acme/`: by it a client says whose rules and which issuer it wants. */
export interface DirectoryInput {
  readonly name?: string;
  readonly issuer_ref?: string;
}

export interface Directory {
  /** "", "roles/web/", … */
  readonly prefix: string;
  /** Absolute, with a slash at its end. */
  readonly base: string;
  readonly role: Role;
  readonly issuerRef: string;
}

export const prefixOf = ({ name, issuer_ref }: DirectoryInput): string => `${issuer_ref === undefined ? "" : `issuer/${issuer_ref}/`}${name === undefined ? "" : `roles/${name}/`}`;

const allows = (list: readonly string[], name: string) => list.includes("*") || list.includes(name);

/** Throws AcmeProblem where ACME is off, or this directory is not for use. */
export function openDirectory(storage: ReadStorage, input: DirectoryInput): Directory {
  const config = getAcmeConfig(storage);
  const { path } = getCluster(storage);
  if (!config.enabled || path === "") throw new AcmeProblem("unauthorized", "ACME is not enabled on this mount", { status: 404 });
  const issuerRef = input.issuer_ref ?? DEFAULT_REF;
  const { role, issuer } = roleFor(storage, input.name, config.default_directory_policy);
  if (input.name !== undefined && !allows(config.allowed_roles, input.name)) throw new AcmeProblem("unauthorized", "this role is not allowed to be used with ACME");
  const chosen = findIssuer(storage, input.issuer_ref ?? issuer);
  if (!chosen) throw new AcmeProblem("malformed", "there is no such issuer");
  if (!allows(config.allowed_issuers, chosen.id) && !allows(config.allowed_issuers, chosen.name) && !allows(config.allowed_issuers, issuerRef)) throw new AcmeProblem("unauthorized", "this issuer is not allowed to be used with ACME");
  const prefix = prefixOf(input);
  return { prefix, base: `${path.replace(/\/$/, "")}/${prefix}acme/`, role: config.allow_role_ext_key_usage ? role : serverOnly(role), issuerRef: chosen.id };
}

const serverOnly = (role: Role): Role => ({ ...role, server_flag: true, client_flag: false, code_signing_flag: false, email_protection_flag: false, ext_key_usage: [], ext_key_usage_oids: [] });

function roleFor(storage: ReadStorage, name: string | undefined, policy: string): { readonly role: Role; readonly issuer: string } {
  const wanted = name ?? (policy.startsWith("role:") ? policy.slice("role:".length) : undefined);
  if (wanted === undefined) {
    if (policy !== "sign-verbatim") throw new AcmeProblem("unauthorized", "the default directory is not allowed: use a role's");
    return { role: ANY, issuer: DEFAULT_REF };
  }
  const role = getRole(storage, wanted);
  if (!role) throw new AcmeProblem("unauthorized", "there is no such role");
  return { role: filledFor(role, NOBODY), issuer: role.issuer_ref };
}

/** No rules but that the names were proven to be the client's. */
const ANY: Role = Object.freeze(verbatimRole({ key_usage: ["DigitalSignature", "KeyAgreement", "KeyEncipherment"], ext_key_usage: [], ext_key_usage_oids: [], signature_bits: 0, use_pss: false, basic_constraints_valid_for_non_ca: false } as never, undefined));

export interface AcmeContext {
  readonly storage: WriteStorage;
  readonly mount: Mount;
  readonly directory: Directory;
  readonly signed: SignedRequest;
}

export type AcmeAnswer = { readonly status?: number; readonly body?: unknown; readonly text?: string; readonly location?: string; readonly link?: string };

/** A signed request, and its answer with a fresh nonce. What a problem ends leaves nothing. */
export async function answerSigned(request: EngineRequest<DirectoryInput>, storage: WriteStorage, mount: Mount, handle: (context: AcmeContext) => Promise<AcmeAnswer> | AcmeAnswer): Promise<RawResponse> {
  return problemsAnswered(storage, mount, async () => {
    const directory = openDirectory(storage, request.input);
    const url = `${directory.base.slice(0, -`${directory.prefix}acme/`.length)}${request.path}`;
    const signed = await verifyJws({ storage, env: mount.env, url, accountUrl: `${directory.base}account/`, directory: directory.prefix }, request.body);
    const { status = 200, body, text, location, link } = await handle({ storage, mount, directory, signed });
    const headers = { "Replay-Nonce": newNonce(storage, mount.env), Link: `<${directory.base}directory>;rel="index"${link ? `, ${link}` : ""}`, ...(location && { Location: location }) };
    return text === undefined ? raw(body === undefined ? "" : JSON.stringify(body), "application/json", status, headers) : raw(text, "application/pem-certificate-chain", status, headers);
  });
}

export async function problemsAnswered(storage: ReadStorage, { env }: Mount, handle: () => RawResponse | Promise<RawResponse>): Promise<RawResponse> {
  try {
    return await handle();
  } catch (error) {
    if (!(error instanceof AcmeProblem)) throw error;
    return raw(JSON.stringify(error.document), "application/problem+json", error.status, { "Replay-Nonce": newNonce(storage, env), ...(error.location !== undefined && { Location: error.location }) });
  }
}

/** Throws AcmeProblem for a request that is signed by no account. */
export function requireAccount({ signed: { account } }: AcmeContext): Account {
  if (!account) throw new AcmeProblem("malformed", "the request must be signed by an account (kid)");
  return account;
}
