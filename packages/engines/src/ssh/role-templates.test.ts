import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { findProgram } from "@coffer/counterparts";
import { createHarness } from "../testing/harness.js";

const options = { skip: findProgram("ssh-keygen") === undefined && "ssh-keygen is not installed" };
const folder = mkdtempSync(join(tmpdir(), "coffer-ssh-templates-"));
after(() => rmSync(folder, { recursive: true }));

function inspect(certificate: string): string {
  const path = join(folder, "cert.pub");
  writeFileSync(path, certificate);
  return execFileSync("ssh-keygen", ["-L", "-f", path]).toString();
}

async function withAnn() {
  const harness = await createHarness();
  const { request, mount } = harness;
  await mount("ssh", "ssh");
  await mount("auth/people", "userpass");
  await request("POST", "ssh/config/ca", { key_type: "ed25519" });
  await request("POST", "sys/policies/acl/sign", { policy: 'path "ssh/sign/*" { capabilities = ["update"] }' });
  await request("POST", "auth/people/users/ann", { password: "secret", token_policies: "sign" });
  const { client_token: ann, entity_id } = (await request("POST", "auth/people/login/ann", { password: "secret" }, { token: "" })).body["auth"];
  await request("POST", `identity/entity/id/${entity_id}`, { name: "ann.smith", metadata: { site: "berlin.example.com", logins: "ann,deploy" } });
  const accessor = (await request("GET", "sys/auth")).body["data"]["people/"].accessor as string;
  const nobody = await harness.tokenWith('path "ssh/sign/*" { capabilities = ["update"] }');
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, "key"), "-C", "x"], { input: "y\n" });
  const public_key = readFileSync(join(folder, "key.pub"), "utf8");
  const sign = (role: string, body: Record<string, unknown>, token: string) => request("POST", `ssh/sign/${role}`, { public_key, ...body }, { token });
  const role = async (settings: Record<string, unknown>) => assert.equal((await request("POST", "ssh/roles/own", { key_type: "ca", allow_user_certificates: true, allow_host_certificates: true, ...settings })).status, 204);
  return { ...harness, ann: ann as string, nobody, accessor, sign, role };
}

test("principals are filled in for the caller", options, async () => {
  const { ann, nobody, accessor, sign, role } = await withAnn();
  const user = `{{identity.entity.aliases.${accessor}.name}}`;
  await role({ allowed_users: `${user}, ubuntu,{{identity.entity.metadata.none}}`, allowed_users_template: true, default_user: user, default_user_template: true });
  const own = await sign("own", {}, ann);
  assert.equal(own.status, 200, own.text);
  assert.match(inspect(own.body["data"].signed_key), /Principals: \n\s+ann\n/);
  assert.deepEqual([(await sign("own", { valid_principals: "ann,ubuntu" }, ann)).status, (await sign("own", { valid_principals: "ben" }, ann)).status], [200, 400]);
  assert.deepEqual([(await sign("own", { valid_principals: "ubuntu" }, nobody)).status, (await sign("own", { valid_principals: "ann" }, nobody)).status], [200, 400]);
  assert.match((await sign("own", {}, nobody)).body.errors![0]!, /could not be rendered/);
  assert.equal((await sign("own", { valid_principals: user }, nobody)).status, 400, "its letters name nobody");

  await role({ allowed_users: "{{identity.entity.metadata.logins}}", allowed_users_template: true });
  assert.equal((await sign("own", { valid_principals: "deploy" }, ann)).status, 400, "a comma in a value makes no two users");
  await role({ allowed_users: "{{identity.entity.metadata.logins}}", allowed_users_template: true, allow_commas_in_identity_templates: true });
  assert.equal((await sign("own", { valid_principals: "deploy" }, ann)).status, 200);

  await role({ allowed_domains: "{{identity.entity.metadata.site}}", allowed_domains_template: true, allow_subdomains: true });
  const host = (name: string, token: string) => sign("own", { cert_type: "host", valid_principals: name }, token);
  assert.deepEqual([(await host("web.berlin.example.com", ann)).status, (await host("web.paris.example.com", ann)).status, (await host("web.berlin.example.com", nobody)).status], [200, 400, 400]);
});

test("default extensions are filled in; who is nobody goes without them, and is told", options, async () => {
  const { ann, nobody, sign, role, request } = await withAnn();
  await role({ allowed_users: "*", default_user: "x", default_extensions: { "permit-pty": "", "login@github.com": "{{identity.entity.name}}" }, default_extensions_template: true });
  const mine = await sign("own", {}, ann);
  const text = inspect(mine.body["data"].signed_key);
  assert.match(text, /permit-pty/);
  assert.match(text, /login@github\.com/);
  assert.ok(Buffer.from(mine.body["data"].signed_key.split(" ")[1], "base64").includes("ann.smith"));
  const theirs = await sign("own", {}, nobody);
  assert.match(theirs.body.warnings![0]!, /lacked identity entity information/);
  assert.doesNotMatch(inspect(theirs.body["data"].signed_key), /github/);
  await role({ allowed_users: "*", default_user: "x", default_extensions: { a: "{{identity.entity.metadata.none}}" }, default_extensions_template: true });
  assert.equal((await sign("own", {}, ann)).status, 400);
  const refused = await request("POST", "ssh/roles/own", { key_type: "ca", allow_user_certificates: true, allowed_users: "{{x", allowed_users_template: true });
  assert.match(refused.body.errors![0]!, /allowed_users: unbalanced templating characters/);
});
