import { createPublicKey } from "node:crypto";
import type { JsonWebKey } from "node:crypto";
import { RequestError } from "@coffer/state-machine";
import { checkIdentifiers, createOrder, finalize, orderStatus, parseIdentifiers } from "./acme-order.js";
import type { AcmeAnswer, AcmeContext } from "./acme-directory.js";
import { requireAccount } from "./acme-directory.js";
import { verifyBinding } from "./acme-jws.js";
import { AcmeProblem } from "./acme-problem.js";
import { accountIdOf, deleteEab, getAccount, getAcmeConfig, getAuthorization, getOrder, orderIds, putAccount, putAuthorization, putThumbprint, scheduleValidation } from "./acme-storage.js";
import type { Account, Authorization, Challenge, ChallengeType, Order } from "./acme-storage.js";
import { parseCertificate } from "./certificate.js";
import { publicKeyObject } from "./key-material.js";
import { revokeCertificate } from "./revocation.js";
import { getCertificate, getRevocation } from "./storage.js";

type Named = { readonly id: string };

const time = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");

export const showAccount = ({ status, contact, termsOfServiceAgreed }: Account, base: string) => ({ status, contact, termsOfServiceAgreed, orders: `${base}orders` });

function contactOf(value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > 10 || !value.every((one) => typeof one === "string" && /^mailto:[^\s,?]+@[^\s,?]+$/.test(one))) throw new AcmeProblem("invalidContact", "contacts are mailto: addresses");
  return value as string[];
}

export async function newAccount({ storage, mount: { env }, directory: { base, prefix }, signed }: AcmeContext): Promise<AcmeAnswer> {
  const { payload, jwk, thumbprint, account } = signed;
  if (!payload || account) throw new AcmeProblem("malformed", "an account is asked for by its own key (jwk)");
  const known = accountIdOf(storage, prefix, thumbprint);
  const existing = known === undefined ? undefined : getAccount(storage, known);
  if (existing) {
    if (existing.status !== "valid") throw new AcmeProblem("unauthorized", `the account is ${existing.status}`);
    return { body: showAccount(existing, base), location: `${base}account/${existing.id}` };
  }
  if (payload["onlyReturnExisting"] === true) throw new AcmeProblem("accountDoesNotExist", "there is no account with this key");
  const isBound = payload["externalAccountBinding"] !== undefined;
  if (!isBound && getAcmeConfig(storage).eab_policy !== "not-required") throw new AcmeProblem("externalAccountRequired", "an external account binding is required");
  const eab = isBound ? await verifyBinding(storage, payload["externalAccountBinding"], jwk, `${base}new-account`, prefix) : undefined;
  // A key for binding is good for one account.
  if (eab) deleteEab(storage, eab.id);
  const made: Account = { id: env.uuid(), jwk, status: "valid", contact: contactOf(payload["contact"]), termsOfServiceAgreed: payload["termsOfServiceAgreed"] === true, eabId: eab?.id ?? "", directory: prefix, createdMs: env.now() };
  putAccount(storage, made);
  putThumbprint(storage, prefix, thumbprint, made.id);
  return { status: 201, body: showAccount(made, base), location: `${base}account/${made.id}` };
}

export function changeAccount(context: AcmeContext, { id }: Named): AcmeAnswer {
  const account = requireAccount(context);
  if (account.id !== id) throw new AcmeProblem("unauthorized", "the account is another's");
  const { payload } = context.signed;
  const changed: Account = {
    ...account,
    ...(payload?.["contact"] !== undefined && { contact: contactOf(payload["contact"]) }),
    ...(payload?.["status"] === "deactivated" && { status: "deactivated" as const, closedMs: context.mount.env.now() }),
  };
  if (payload) putAccount(context.storage, changed);
  return { body: showAccount(changed, context.directory.base), location: `${context.directory.base}account/${id}` };
}

function showOrder({ storage, mount: { env }, directory: { base } }: AcmeContext, order: Order): Record<string, unknown> {
  const status = orderStatus(storage, order, env);
  return {
    status,
    expires: time(order.expiresMs),
    identifiers: order.identifiers,
    authorizations: order.authorizations.map((id) => `${base}authorization/${id}`),
    finalize: `${base}order/${order.id}/finalize`,
    ...(status === "valid" && { certificate: `${base}order/${order.id}/cert` }),
  };
}

export function newOrder(context: AcmeContext): AcmeAnswer {
  const { storage, mount, directory, signed } = context;
  const account = requireAccount(context);
  if (getAcmeConfig(storage).eab_policy === "always-required" && account.eabId === "") throw new AcmeProblem("externalAccountRequired", "the account is not bound to an external one");
  const identifiers = parseIdentifiers(signed.payload?.["identifiers"]);
  checkIdentifiers(directory.role, identifiers);
  const order = createOrder(storage, mount.env, account.id, identifiers);
  return { status: 201, body: showOrder(context, order), location: `${directory.base}order/${order.id}` };
}

export async function listOrders(context: AcmeContext): Promise<AcmeAnswer> {
  const account = requireAccount(context);
  return { body: { orders: (await orderIds(context.storage, account.id)).map((id) => `${context.directory.base}order/${id}`) } };
}

function orderOf(context: AcmeContext, id: string): Order {
  const order = getOrder(context.storage, requireAccount(context).id, id);
  if (!order) throw new AcmeProblem("malformed", "there is no such order");
  return order;
}

export const readOrder = (context: AcmeContext, { id }: Named): AcmeAnswer => ({ body: showOrder(context, orderOf(context, id)), location: `${context.directory.base}order/${id}` });

export async function finalizeOrder(context: AcmeContext, { id }: Named): Promise<AcmeAnswer> {
  const { storage, mount, directory, signed } = context;
  const order = orderOf(context, id);
  const status = orderStatus(storage, order, mount.env);
  if (status !== "ready") throw new AcmeProblem("orderNotReady", `the order is ${status}`);
  const done = await finalize(storage, mount, order, signed.payload?.["csr"], directory.role, directory.issuerRef);
  return { body: showOrder(context, done), location: `${directory.base}order/${id}` };
}

export function readCertificate(context: AcmeContext, { id }: Named): AcmeAnswer {
  const { chain } = orderOf(context, id);
  if (chain.length === 0) throw new AcmeProblem("orderNotReady", "the order has no certificate yet");
  return { text: chain.map((one) => `${one}\n`).join("") };
}

function authorizationOf(context: AcmeContext, id: string): Authorization {
  const authorization = getAuthorization(context.storage, id);
  if (!authorization || authorization.accountId !== requireAccount(context).id) throw new AcmeProblem("malformed", "there is no such authorization");
  return authorization;
}

const showChallenge = (base: string, id: string, { type, token, status, validatedMs, error }: Challenge) => ({
  type,
  token,
  status,
  url: `${base}challenge/${id}/${type}`,
  ...(validatedMs > 0 && { validated: time(validatedMs) }),
  ...(error !== "" && { error: { type: "urn:ietf:params:acme:error:incorrectResponse", detail: error } }),
});

export function readAuthorization(context: AcmeContext, { id }: Named): AcmeAnswer {
  const { storage, directory: { base }, signed } = context;
  const found = authorizationOf(context, id);
  const shown = signed.payload?.["status"] === "deactivated" ? { ...found, status: "deactivated" as const } : found;
  if (shown !== found) putAuthorization(storage, shown);
  const { identifier, status, expiresMs, wildcard, challenges } = shown;
  return { body: { identifier, status, expires: time(expiresMs), challenges: challenges.map((one) => showChallenge(base, id, one)), ...(wildcard && { wildcard }) } };
}

/** With a payload the client says that it is ready: the active node looks from then on. */
export function readChallenge(context: AcmeContext, { id, type }: Named & { readonly type: string }): AcmeAnswer {
  const { storage, mount: { env }, directory: { base }, signed } = context;
  const authorization = authorizationOf(context, id);
  const challenge = authorization.challenges.find((one) => one.type === type);
  if (!challenge) throw new AcmeProblem("malformed", "there is no such challenge");
  const link = `<${base}authorization/${id}>;rel="up"`;
  if (!signed.payload || challenge.status !== "pending" || authorization.status !== "pending") return { body: showChallenge(base, id, challenge), link };
  if (authorization.expiresMs < env.now()) throw new AcmeProblem("unauthorized", "the authorization has ended");
  const started: Challenge = { ...challenge, status: "processing" };
  putAuthorization(storage, { ...authorization, challenges: authorization.challenges.map((one) => (one === challenge ? started : one)) });
  scheduleValidation(storage, env.now(), id, type as ChallengeType);
  return { body: showChallenge(base, id, started), link };
}

/** By the account that ordered it, or by the certificate's own key (RFC 8555, 7.6). */
export async function acmeRevoke(context: AcmeContext): Promise<AcmeAnswer> {
  const { storage, mount, signed } = context;
  const text = signed.payload?.["certificate"];
  if (typeof text !== "string") throw new AcmeProblem("malformed", "certificate must be base64url");
  const stored = await problemOf(async () => {
    const given = parseCertificate(Buffer.from(text, "base64url"));
    const own = getCertificate(storage, given.serial);
    return own?.equals(given.der) ? given : undefined;
  });
  if (!stored) throw new AcmeProblem("unauthorized", "the certificate is not one of this server's");
  if (getRevocation(storage, stored.serial)) throw new AcmeProblem("alreadyRevoked", "the certificate was revoked");
  const orders = signed.account ? (await orderIds(storage, signed.account.id)).flatMap((id) => getOrder(storage, signed.account!.id, id) ?? []) : [];
  const isOwner = orders.some(({ serial }) => serial === stored.serial);
  if (!isOwner && !isOwnKey(signed.jwk, stored.spki, signed.account !== undefined)) throw new AcmeProblem("unauthorized", "the request is signed neither by the certificate's account nor by its key");
  await problemOf(() => revokeCertificate(storage, mount, stored));
  return {};
}

function isOwnKey(jwk: unknown, spki: Buffer, isAccount: boolean): boolean {
  if (isAccount) return false;
  const signer = createPublicKey({ key: jwk as JsonWebKey, format: "jwk" });
  const own = publicKeyObject(spki);
  return own !== undefined && own.equals(signer);
}

async function problemOf<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof RequestError ? new AcmeProblem("malformed", error.message) : error;
  }
}
