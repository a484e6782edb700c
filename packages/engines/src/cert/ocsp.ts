import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import type { Environment } from "@coffer/state-machine";
import { outgoing } from "../outgoing/request.js";
import { parseBundle } from "./certificates.js";
import type { Certificate } from "./certificates.js";
import { ocspRequest, readOcspResponse } from "./ocsp-message.js";
import type { Asked, OcspAnswer } from "./ocsp-message.js";
import { isWebAddress } from "./role.js";
import type { RoleSettings } from "./role.js";

/** Servers of one certificate that are asked at most: a certificate does not choose how much work it is. */
const MOST_SERVERS = 8;
const PAUSE_MS = 100;
/** Milliseconds; for all servers and tries together. A login waits for it. */
const PATIENCE_MS = 30_000;

/** Answers until they end, by what was asked and of whom. Each node's own. */
const kept = new WeakMap<Environment, Map<string, OcspAnswer>>();

export interface OcspContext {
  readonly env: Environment;
  readonly cacheSize: number;
}

/** Why the certificate does not log in, by the role's wishes; undefined where OCSP has nothing against it. */
export async function ocspProblem(client: Certificate, issuer: Certificate | undefined, settings: RoleSettings, context: OcspContext): Promise<string | undefined> {
  if (!settings.ocsp_enabled) return undefined;
  if (!issuer) return settings.ocsp_fail_open ? undefined : "OCSP needs the certificate's issuer, which the role does not have";
  const servers = serversOf(client, settings);
  const nowMs = context.env.now();
  const asked: Asked = { client, issuer, extra: parseBundle(settings.ocsp_ca_certificates), nowMs, maxAgeMs: settings.ocsp_this_update_max_age * 1000 };
  let known = 0;
  let failure = servers.length === 0 ? "the certificate names no OCSP server" : "";
  const until = Date.now() + PATIENCE_MS;
  for (const server of servers) {
    try {
      const { status } = await askKept(server, asked, settings, context, until);
      if (status === "revoked") return "certificate has been revoked";
      if (status === "good") known++;
      else failure = `${server} does not know the certificate`;
    } catch (error) {
      failure = `${server}: ${(error as Error).message}`;
    }
    if (known > 0 && !settings.ocsp_query_all_servers) break;
  }
  const isGood = settings.ocsp_query_all_servers ? known === servers.length && known > 0 : known > 0;
  return isGood || settings.ocsp_fail_open ? undefined : `OCSP: ${failure}`;
}

function serversOf({ parsed }: Certificate, { ocsp_servers_override: override }: RoleSettings): readonly string[] {
  if (override.length > 0) return override;
  const named = parsed.getExtension(x509.AuthorityInfoAccessExtension)?.ocsp.filter(({ type }) => type === "url").map(({ value }) => value) ?? [];
  return named.filter(isWebAddress).slice(0, MOST_SERVERS);
}

async function askKept(server: string, asked: Asked, settings: RoleSettings, { env, cacheSize }: OcspContext, until: number): Promise<OcspAnswer> {
  let answers = kept.get(env);
  if (!answers) kept.set(env, (answers = new Map()));
  const name = JSON.stringify([server, asked.client.node.fingerprint256, asked.issuer.node.fingerprint256, settings.ocsp_ca_certificates, settings.ocsp_this_update_max_age]);
  const found = answers.get(name);
  if (found && found.nextUpdateMs > asked.nowMs && asked.maxAgeMs === 0) return found;
  const answer = await ask(server, asked, settings.ocsp_max_retries, until);
  answers.delete(name);
  for (const oldest of answers.keys()) {
    if (answers.size < cacheSize) break;
    answers.delete(oldest);
  }
  if (answer.status !== "unknown") answers.set(name, answer);
  return answer;
}

/** Throws an Error where the server gives no answer that can be believed. */
async function ask(server: string, asked: Asked, retries: number, until: number): Promise<OcspAnswer> {
  const body = ocspRequest(asked.client, asked.issuer);
  for (let tried = 0; ; tried++) {
    try {
      const { status, bytes } = await outgoing({ url: server, method: "POST", headers: { "content-type": "application/ocsp-request", accept: "application/ocsp-response" }, body });
      if (status !== 200) throw new Error(`status ${status}`);
      return readOcspResponse(bytes, asked);
    } catch (error) {
      if (tried >= retries || Date.now() >= until) throw error;
      await new Promise((wake) => setTimeout(wake, PAUSE_MS * 2 ** tried));
    }
  }
}
