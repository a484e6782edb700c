import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import type { JsonWebKey } from "node:crypto";
import { test } from "node:test";
import { startGitHub } from "./github.js";
import { startIssuer } from "./issuer.js";

const json = async (url: string, token = "") => {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

test("a GitHub knows its members by their tokens, and nobody once it has stopped", async () => {
  const github = await startGitHub({ organization: "mycompany", members: [{ login: "ann", token: "ghp_ann", teams: ["Site Reliability"] }] });
  assert.deepEqual([(await json(`${github.url}/user`, "ghp_ann")).body["login"], (await json(`${github.url}/user`, "other")).status], ["ann", 401]);
  assert.equal((await json(`${github.url}/orgs/mycompany`)).body["login"], "mycompany");
  assert.match(JSON.stringify((await json(`${github.url}/user/teams`, "ghp_ann")).body), /"slug":"site-reliability"/);
  await github.stop();
  await assert.rejects(json(`${github.url}/user`, "ghp_ann"));
});

test("an issuer's tokens are signed by the key that its discovery document leads to", async () => {
  const issuer = await startIssuer();
  const { body: discovery } = await json(`${issuer.url}/.well-known/openid-configuration`);
  assert.equal(discovery["issuer"], issuer.url);
  const { body } = await json(String(discovery["jwks_uri"]));
  const [key] = body["keys"] as JsonWebKey[];
  const [header, claims, signature] = issuer.token({ sub: "job" }).split(".");
  assert.ok(verify("sha256", Buffer.from(`${header}.${claims}`), createPublicKey({ key: key!, format: "jwk" }), Buffer.from(signature!, "base64url")));
  const { iss, sub } = JSON.parse(Buffer.from(claims!, "base64url").toString()) as Record<string, unknown>;
  assert.deepEqual([iss, sub], [issuer.url, "job"]);
  await issuer.stop();
});
