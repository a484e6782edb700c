/**
 * How long a refused login takes must not tell whether the user exists. Measured from outside, at a cluster with a real directory, while
 * failures are counted: by turns, so that what else the machine does hits both sides, and by the median, so that a hiccup counts for nothing.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import type { TestContext } from "node:test";
import { ApiError } from "@coffer/client";
import type { Client } from "@coffer/client";
import { slapdProgram, startSlapd } from "@coffer/counterparts";
import type { Slapd } from "@coffer/counterparts";
import { LDIF, SUFFIX } from "./docs/directory.js";
import { startCluster } from "./harness/cluster.js";
import type { TestCluster } from "./harness/cluster.js";

/** One median may be this much of the other. What leaves out the work that it is about is more: a bcrypt, a write, a bind. */
const TOLERANCE = 1.5;
/** Measured of each kind before the medians are compared; where they are too far apart, as many again, on a machine that is busy. */
const ROUNDS = 40;
const MOST_ROUNDS = 200;
/** Before, which do not count. */
const WARM_UP = 8;

let cluster: TestCluster;
let slapd: Slapd | undefined;

before(async () => {
  cluster = await startCluster();
  if (slapdProgram() !== undefined) slapd = await startSlapd({ suffix: SUFFIX, ldif: LDIF });
});
after(async () => {
  await slapd?.stop();
  await cluster?.stop();
});

/** Counts failures as a mount does by default, but locks nobody so soon. */
async function enable(client: Client, type: string): Promise<void> {
  await client.request("POST", `sys/auth/${type}`, { body: { type } });
  await client.request("POST", `sys/auth/${type}/tune`, { body: { user_lockout_config: { lockout_threshold: "1000000" } } });
}

/** Milliseconds until a login is refused with 400. */
async function refusal(client: Client, path: string, body: Readonly<Record<string, unknown>>): Promise<number> {
  const started = performance.now();
  await assert.rejects(client.request("POST", path, { body }), (error) => error instanceof ApiError && error.status === 400);
  return performance.now() - started;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

async function compare(t: TestContext, known: () => Promise<number>, unknown: () => Promise<number>): Promise<void> {
  for (let i = 0; i < WARM_UP; i++) await Promise.all([known(), unknown()]);
  const times = { known: [] as number[], unknown: [] as number[] };
  const medians = () => [median(times.known), median(times.unknown)] as const;
  const isClose = ([a, b]: ReturnType<typeof medians>) => Math.max(a, b) / Math.min(a, b) <= TOLERANCE;
  do {
    for (let i = 0; i < ROUNDS; i++) {
      // Each comes first as often as second.
      if (i % 2 === 0) times.known.push(await known());
      times.unknown.push(await unknown());
      if (i % 2 === 1) times.known.push(await known());
    }
  } while (!isClose(medians()) && times.known.length < MOST_ROUNDS);
  const [a, b] = medians();
  const told = `a wrong password took ${a.toFixed(2)} ms, an unknown user ${b.toFixed(2)} ms`;
  t.diagnostic(told);
  assert.ok(isClose([a, b]), told);
}

test("userpass: a name that nobody has", async (t) => {
  const client = cluster.client(await cluster.active());
  await enable(client, "userpass");
  await client.request("POST", "auth/userpass/users/alice", { body: { password: "correct horse" } });
  const login = (name: string) => refusal(client, `auth/userpass/login/${name}`, { password: "wrong" });
  await compare(t, () => login("alice"), () => login(`nobody-${randomUUID()}`));
});

test("approle: a role id that no role has, and a secret id that the role does not have", async (t) => {
  const client = cluster.client(await cluster.active());
  await enable(client, "approle");
  await client.request("POST", "auth/approle/role/app", { body: { token_policies: "app" } });
  const { role_id } = (await client.request<{ role_id: string }>("GET", "auth/approle/role/app/role-id")).data;
  await client.request("POST", "auth/approle/role/app/secret-id");
  const login = (role: string) => refusal(client, "auth/approle/login", { role_id: role, secret_id: randomUUID() });
  await compare(t, () => login(role_id), () => login(randomUUID()));
});

test("ldap: a name that the directory does not know", { skip: slapdProgram() === undefined && "slapd is not installed" }, async (t) => {
  const client = cluster.client(await cluster.active());
  await enable(client, "ldap");
  await client.request("POST", "auth/ldap/config", { body: { url: slapd!.url, userdn: `ou=people,${SUFFIX}`, userattr: "uid", groupdn: `ou=groups,${SUFFIX}`, binddn: `cn=searcher,${SUFFIX}`, bindpass: "looking" } });
  const login = (name: string) => refusal(client, `auth/ldap/login/${name}`, { password: "wrong" });
  await compare(t, () => login("alice"), () => login(`nobody-${randomUUID()}`));
});
