import { isIP } from "node:net";
import { RequestError } from "@coffer/state-machine";
import type { Environment, Mount, ReadStorage, WriteStorage } from "@coffer/state-machine";
import { AcmeProblem } from "./acme-problem.js";
import { getAcmeConfig, getAuthorization, putAuthorization, putOrder } from "./acme-storage.js";
import type { Challenge, ChallengeType, Identifier, Order } from "./acme-storage.js";
import { parseCsrDer } from "./csr.js";
import type { CertificateRequest } from "./csr.js";
import { ipBytes } from "./general-names.js";
import { signLeaf } from "./leaf.js";
import { isHostname, isNameAllowed, toAscii } from "./names-allowed.js";
import { firstOf } from "./name-text.js";
import { OID } from "./oids.js";
import type { Role } from "./role.js";
import { NOBODY } from "./role-templates.js";

const ORDER_LIFE_MS = 24 * 3_600_000;
const MAX_IDENTIFIERS = 100;
const TOKEN_BYTES = 24;

/** What a client asks for. Throws AcmeProblem. */
export function parseIdentifiers(value: unknown): Identifier[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_IDENTIFIERS) throw new AcmeProblem("malformed", `an order has from 1 to ${MAX_IDENTIFIERS} identifiers`);
  const found = (value as unknown[]).map((one): Identifier => {
    const { type, value: name } = (one ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof name !== "string") throw new AcmeProblem("malformed", "an identifier must have a value");
    if (type === "ip") {
      if (!ipBytes(name)) throw new AcmeProblem("rejectedIdentifier", `${name} is not an IP address`);
      return { type, value: name };
    }
    if (type !== "dns") throw new AcmeProblem("unsupportedIdentifier", "identifiers are of type dns or ip");
    const ascii = toAscii(name)?.toLowerCase();
    if (ascii === undefined || !isHostname(ascii) || ascii.endsWith(".") || isIP(ascii) !== 0) throw new AcmeProblem("rejectedIdentifier", `${name} is not a DNS name`);
    return { type, value: ascii };
  });
  return [...new Map(found.map((one) => [`${one.type}:${one.value}`, one])).values()];
}

/** Refused at once rather than after all the work. Throws AcmeProblem. */
export function checkIdentifiers(role: Role, identifiers: readonly Identifier[]): void {
  for (const { type, value } of identifiers) {
    const isAllowed = type === "ip" ? role.allow_ip_sans : isNameAllowed(role, value);
    if (!isAllowed) throw new AcmeProblem("rejectedIdentifier", `${value} is not allowed by this role`);
  }
}

const challengeTypes = ({ type, value }: Identifier): ChallengeType[] => (type === "ip" ? ["http-01", "tls-alpn-01"] : value.startsWith("*.") ? ["dns-01"] : ["http-01", "dns-01", "tls-alpn-01"]);

export function createOrder(storage: WriteStorage, env: Environment, accountId: string, identifiers: readonly Identifier[]): Order {
  const expiresMs = env.now() + ORDER_LIFE_MS;
  const authorizations = identifiers.map((identifier) => {
    const wildcard = identifier.value.startsWith("*.");
    const challenge = (type: ChallengeType): Challenge => ({ type, token: Buffer.from(env.randomBytes(TOKEN_BYTES)).toString("base64url"), status: "pending", attempts: 0, validatedMs: 0, error: "" });
    const id = env.uuid();
    const plain = wildcard ? { ...identifier, value: identifier.value.slice(2) } : identifier;
    putAuthorization(storage, { id, accountId, identifier: plain, wildcard, status: "pending", expiresMs, challenges: challengeTypes(identifier).map(challenge) });
    return id;
  });
  const order: Order = { id: env.uuid(), accountId, identifiers, authorizations, expiresMs, serial: "", chain: [] };
  putOrder(storage, order);
  return order;
}

export type OrderStatus = "pending" | "ready" | "valid" | "invalid";

/** It follows from the authorizations: nothing is kept twice. */
export function orderStatus(storage: ReadStorage, order: Order, env: Environment): OrderStatus {
  if (order.serial !== "") return "valid";
  if (order.expiresMs < env.now()) return "invalid";
  const states = order.authorizations.map((id) => getAuthorization(storage, id)?.status ?? "invalid");
  if (states.some((status) => status === "invalid" || status === "deactivated")) return "invalid";
  return states.every((status) => status === "valid") ? "ready" : "pending";
}

function parse(csr: unknown): CertificateRequest {
  if (typeof csr !== "string" || !/^[A-Za-z0-9_-]+$/.test(csr)) throw new AcmeProblem("malformed", "csr must be base64url");
  try {
    return parseCsrDer(Buffer.from(csr, "base64url"));
  } catch (error) {
    throw error instanceof RequestError ? new AcmeProblem("badCSR", error.message) : error;
  }
}

/** Exactly what was authorized: no more, no less. Throws AcmeProblem. */
function checkCsr({ names, attributes }: CertificateRequest, identifiers: readonly Identifier[]): void {
  const commonName = firstOf(attributes, OID.commonName).toLowerCase();
  const isIp = isIP(commonName) !== 0;
  const address = (ip: string) => ipBytes(ip)!.toString("hex");
  const asked = new Set([...names.dns.map((name) => name.toLowerCase()), ...(commonName !== "" && !isIp ? [commonName] : []), ...[...names.ips, ...(isIp ? [commonName] : [])].map(address)]);
  const allowed = new Set(identifiers.map(({ type, value }) => (type === "ip" ? address(value) : value)));
  if (asked.size !== allowed.size || [...asked].some((name) => !allowed.has(name))) throw new AcmeProblem("badCSR", "the request's names are not those of the order");
  if (names.emails.length + names.uris.length + names.others.length > 0) throw new AcmeProblem("badCSR", "the request has names that are neither DNS names nor addresses");
}

/** Signs what was authorized. Throws AcmeProblem. */
export async function finalize(storage: WriteStorage, mount: Mount, order: Order, csr: unknown, role: Role, issuerRef: string): Promise<Order> {
  const request = parse(csr);
  checkCsr(request, order.identifiers);
  const commonName = firstOf(request.attributes, OID.commonName);
  const { max_ttl } = getAcmeConfig(storage);
  const limited = { ...role, ...(role.allow_any_name && { require_cn: false }), max_ttl: role.max_ttl > 0 ? Math.min(role.max_ttl, max_ttl) : max_ttl, no_store: false, generate_lease: false };
  const wishes = { remove_roots_from_chain: false, format: "pem", private_key_format: "der", common_name: commonName || order.identifiers[0]!.value };
  try {
    const { data } = await signLeaf({ storage, mount, identity: NOBODY, issuerRef, truncates: true }, limited, wishes, withNames(request, order), false);
    const { certificate, ca_chain, serial_number, expiration } = data as { certificate: string; ca_chain?: string[]; serial_number: string; expiration: number };
    const done: Order = { ...order, serial: serial_number, chain: [certificate, ...(ca_chain ?? [])], certificateExpiresMs: expiration * 1000 };
    putOrder(storage, done);
    return done;
  } catch (error) {
    throw error instanceof RequestError ? new AcmeProblem("badCSR", error.message) : error;
  }
}

/** A request may say its name only in the subject: the certificate says all of them where clients look. */
function withNames(request: CertificateRequest, { identifiers }: Order): CertificateRequest {
  const of = (type: Identifier["type"]) => identifiers.filter((one) => one.type === type).map(({ value }) => value);
  return { ...request, names: { dns: of("dns"), ips: of("ip"), emails: [], uris: [], others: [] } };
}
