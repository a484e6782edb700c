import type { Mount, WriteStorage } from "@coffer/state-machine";
import { calculateJwkThumbprint } from "jose";
import { dueValidations, forgetNonces, forgetValidation, getAccount, getAcmeConfig, getAuthorization, putAuthorization, scheduleValidation } from "./acme-storage.js";
import type { Authorization, Challenge, DueValidation } from "./acme-storage.js";
import { validate } from "./acme-validate.js";
import type { ValidationPorts } from "./acme-validate.js";

/** So many at once, each with a time limit: a slice of the active node's work must end. */
const SLICE = 8;
const NONCES = 256;
const MAX_ATTEMPTS = 5;
const FIRST_RETRY_MS = 5000;
const PORTS: ValidationPorts = Object.freeze({ http: 80, tls: 443 });

/** What the composition may say otherwise: tests have no port 80. */
export interface PkiServices {
  readonly acmePorts?: ValidationPorts;
}

/** Looks at the challenges that are due, on the active node. Looking twice does no harm. True: more is left. */
export async function acmeSlice(storage: WriteStorage, mount: Mount): Promise<boolean> {
  if (!getAcmeConfig(storage).enabled) return false;
  const due = await dueValidations(storage, mount.env.now(), SLICE);
  await Promise.all(due.map((one) => attempt(storage, mount, one)));
  const moreNonces = await forgetNonces(storage, mount.env.now(), NONCES);
  return due.length === SLICE || moreNonces;
}

async function attempt(storage: WriteStorage, mount: Mount, due: DueValidation): Promise<void> {
  const authorization = getAuthorization(storage, due.authorizationId);
  const account = authorization && getAccount(storage, authorization.accountId);
  const challenge = authorization?.challenges.find(({ type }) => type === due.type);
  if (!account || challenge?.status !== "processing" || authorization?.status !== "pending") return forgetValidation(storage, due);
  const keyAuthorization = `${challenge.token}.${await calculateJwkThumbprint(account.jwk)}`;
  const ports = (mount.services as PkiServices | undefined)?.acmePorts ?? PORTS;
  const error = await validate({ type: due.type, identifier: authorization.identifier, token: challenge.token, keyAuthorization, dnsResolver: getAcmeConfig(storage).dns_resolver, ports });
  forgetValidation(storage, due);
  settle(storage, mount, authorization, challenge, error);
}

function settle(storage: WriteStorage, { env }: Mount, authorization: Authorization, challenge: Challenge, error: string): void {
  const attempts = challenge.attempts + 1;
  const isOver = error === "" || attempts >= MAX_ATTEMPTS;
  const status = error === "" ? "valid" : isOver ? "invalid" : "processing";
  const after: Challenge = { ...challenge, attempts, status, error, validatedMs: error === "" ? env.now() : 0 };
  if (!isOver) scheduleValidation(storage, env.now() + FIRST_RETRY_MS * 2 ** (attempts - 1), authorization.id, challenge.type);
  putAuthorization(storage, {
    ...authorization,
    status: isOver ? (error === "" ? "valid" : "invalid") : "pending",
    challenges: authorization.challenges.map((one) => (one.type === challenge.type ? after : one)),
  });
}
