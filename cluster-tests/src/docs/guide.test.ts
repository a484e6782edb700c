/** What a guide to Vault has people type, in its order, against a node with the configuration that it recommends. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { findProgram, motoProgram, postgresProgram, startMoto, startPostgres, xmlTexts } from "@coffer/counterparts";
import { createDesk } from "./dev-server.js";
import type { Desk } from "./dev-server.js";
import { createProductionServer } from "./production-server.js";
import type { ProductionServer } from "./production-server.js";
import { openShell } from "./shell.js";
import type { Shell } from "./shell.js";

const COMMAND_MS = 60_000;
const POLICIES = {
  "app-production": `path "secret/data/production/api-gateway" {
capabilities = ["read", "list"]
}
path "database/creds/api-gateway" {
capabilities = ["read"]
}
# Deny access to other applications' secrets
path "secret/data/production/+" {
capabilities = ["deny"]
}
path "transit/encrypt/api-gateway" {
capabilities = ["update"]
}
`,
  "platform-admin": `path "secret/*" {
capabilities = ["read", "list"]
}
path "sys/auth/*" {
capabilities = ["create", "read", "update", "delete", "sudo"]
}
path "sys/policies/acl/*" {
capabilities = ["create", "read", "update", "delete"]
}
path "sys/mounts/*" {
capabilities = ["create", "read", "update", "delete"]
}
path "sys/audit" {
capabilities = ["read"]
}
path "sys/generate-root/*" {
capabilities = ["update"]
mfa_methods = ["totp_platform_admin"]
}
`,
};
const ISSUE = 'vault write pki/issue/service-certs common_name="api.internal.company.com" ttl="720h" ip_sans="10.0.1.100,10.0.1.101"';
const ROTATE = `set -e
CERT_DATA=$(vault write -format=json pki/issue/$ROLE common_name="$COMMON_NAME" ttl="720h")
echo "$CERT_DATA" | jq -r '.data.certificate' > server.crt
echo "$CERT_DATA" | jq -r '.data.private_key' > server.key
echo "$CERT_DATA" | jq -r '.data.issuing_ca' > ca.crt
chmod 600 server.key
echo "expires $(date -d @"$(echo "$CERT_DATA" | jq -r '.data.expiration')" +%s)"
`;

const AWS_ROOT = 'vault write aws/config/root access_key="$VAULT_AWS_ACCESS_KEY" secret_key="$VAULT_AWS_SECRET_KEY" region="us-east-1" iam_endpoint="https://iam.amazonaws.com" sts_endpoint="https://sts.amazonaws.com" max_retries=5';
const EC2_POLICY = {
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Action: ["ec2:DescribeInstances", "ec2:DescribeVolumes", "ec2:DescribeSnapshots", "ec2:CreateTags", "ec2:DescribeTags"], Resource: "*" },
    { Effect: "Allow", Action: ["ec2:StartInstances", "ec2:StopInstances", "ec2:RebootInstances"], Resource: "*", Condition: { StringEquals: { "ec2:ResourceTag/Environment": "production" } } },
  ],
};
const DATABASE_STEP = `DB_CREDS=$(vault read -format=json database/creds/app-role)
echo "DB_USER=$(echo "$DB_CREDS" | jq -r '.data.username')" >> "$GITHUB_ENV"
echo "DB_PASS=$(echo "$DB_CREDS" | jq -r '.data.password')" >> "$GITHUB_ENV"
`;

const missing = ["openssl", "jq", "curl"].filter((name) => findProgram(name) === undefined);

describe("the guide, from a fresh server on", { skip: missing.length > 0 && `not installed: ${missing.join(", ")}` }, () => {
  let server: ProductionServer;
  let desk: Desk;
  let shell: Shell;
  let init = "";

  /** Runs lines in the one shell; resolves with what they print. */
  async function sh(lines: string): Promise<string> {
    const { code, output } = await shell.run(lines);
    assert.equal(code, 0, `${lines}\n${output}`);
    return output;
  }
  async function refused(lines: string): Promise<string> {
    const { code, output } = await shell.run(lines);
    assert.equal(code, 2, `${lines}\n${output}`);
    return output;
  }

  before(async () => {
    server = await createProductionServer();
    await server.start();
    desk = createDesk({ VAULT_ADDR: server.address, VAULT_CACERT: server.caFile });
    mkdirSync(join(desk.folder, "policies"));
    for (const [name, text] of Object.entries(POLICIES)) writeFileSync(join(desk.folder, "policies", `${name}.hcl`), text);
    writeFileSync(join(desk.folder, "rotate.sh"), ROTATE);
    shell = openShell(desk.folder, desk.env, COMMAND_MS);
  });
  after(async () => {
    shell?.end();
    desk?.clear();
    await server?.end("SIGKILL");
    server?.clear();
  });

  const unsealing = () => [1, 2, 3].map((number) => `vault operator unseal ${new RegExp(`^Unseal Key ${number}: (\\S+)$`, "m").exec(init)![1]}`).join("\n");

  it("init with five shares, unseal with three", async () => {
    init = await sh("vault operator init -key-shares=5 -key-threshold=3");
    assert.equal(init.match(/^Unseal Key \d: \S{44}$/gm)?.length, 5);
    const unsealed = await sh(unsealing());
    assert.match(unsealed, /Unseal Progress +1\/3[^]*Unseal Progress +2\/3[^]*Sealed +false/);
    const token = /^Initial Root Token: (\S+)$/m.exec(init)![1]!;
    await sh(`export VAULT_TOKEN=${token}; until vault status | grep -q 'HA Mode *active'; do sleep 0.1; done`);
    assert.match(await sh("vault status"), /^Storage Type +raft\nCluster Name +production-vault$/m);
  });

  it("the audit device and autopilot's settings of the configuration are there", async () => {
    assert.match(await sh("vault audit list -detailed"), new RegExp(`^file/ +file .*file_path=${server.folder}/audit.log`, "m"));
    assert.match(await sh("vault operator raft autopilot get-config"), /^Cleanup Dead Servers +true\nLast Contact Threshold +10s[^]*^Min Quorum +3$/m);
  });

  it("AppRole", async () => {
    await sh("vault auth enable approle");
    await sh('vault write auth/approle/role/ci-pipeline secret_id_ttl="60m" token_ttl="15m" token_max_ttl="60m" secret_id_num_uses=10 token_policies="ci-read-policy"');
    const roleId = /^role_id +(\S+)$/m.exec(await sh("vault read auth/approle/role/ci-pipeline/role-id"))![1];
    const secretId = /^secret_id +(\S+)$/m.exec(await sh("vault write -f auth/approle/role/ci-pipeline/secret-id"))![1];
    assert.match(await sh(`vault write auth/approle/login role_id="${roleId}" secret_id="${secretId}"`), /^token_duration +15m$[^]*^token_policies +\["ci-read-policy" "default"\]$/m);
  });

  it("key-value version 2", async () => {
    await sh("vault secrets enable -path=secret -version=2 kv");
    await sh('vault kv put secret/production/api-gateway DATABASE_URL="postgres://prod-db.internal:5432/api" REDIS_URL="redis://prod-redis.internal:6379" STRIPE_API_KEY="sk_live_..." JWT_SECRET="$(openssl rand -hex 32)"');
    assert.match(await sh("vault kv get secret/production/api-gateway"), /^JWT_SECRET +[0-9a-f]{64}$/m);
    assert.equal(await sh("vault kv get -field=DATABASE_URL secret/production/api-gateway"), "postgres://prod-db.internal:5432/api");
    await sh("for n in 2 3 4; do vault kv put secret/production/api-gateway REDIS_URL=redis://$n; done");
    assert.match(await sh("vault kv get -version=3 secret/production/api-gateway"), /^REDIS_URL +redis:\/\/3$/m);
    assert.equal((await sh("vault kv metadata get secret/production/api-gateway")).match(/^=+ Version \d =+$/gm)?.length, 4);
    await sh("vault kv rollback -version=2 secret/production/api-gateway\nvault kv delete secret/production/api-gateway\nvault kv destroy -versions=4 secret/production/api-gateway\nvault kv undelete -versions=4 secret/production/api-gateway\nvault kv undelete -versions=5 secret/production/api-gateway");
    assert.equal(await sh("SECRETS=$(vault kv get -format=json secret/production/api-gateway); echo \"$SECRETS\" | jq -r '.data.data.REDIS_URL'"), "redis://2\n");
  });

  it("AWS: users and assumed roles", { skip: motoProgram() === undefined && "moto is not installed" }, async () => {
    const moto = await startMoto();
    try {
      await sh("vault secrets enable -path=aws aws\nexport VAULT_AWS_ACCESS_KEY=AKIAROOT VAULT_AWS_SECRET_KEY=root-secret");
      assert.equal(await sh(AWS_ROOT), "Success! Data written to: aws/config/root\n");
      // The same again, with the emulator where the guide has AWS itself.
      await sh(AWS_ROOT.replace(/https:\/\/(iam|sts)\.amazonaws\.com/g, moto.endpoint));
      await sh(`vault write aws/roles/ec2-power-user credential_type="iam_user" policy_document=- <<'EOF'\n${JSON.stringify(EC2_POLICY, null, 2)}\nEOF`);
      assert.deepEqual(JSON.parse(await sh("vault read -field=policy_document aws/roles/ec2-power-user")), EC2_POLICY);
      await sh('vault write aws/roles/s3-readonly credential_type="assumed_role" role_arns="arn:aws:iam::123456789:role/VaultS3ReadOnly" default_sts_ttl="3600" max_sts_ttl="7200"');
      const shown = await sh("vault read aws/creds/ec2-power-user");
      assert.match(shown, /^lease_id +aws\/creds\/ec2-power-user\/\S+$[^]*^access_key +\S+$[^]*^secret_key +\S+$[^]*^security_token +<nil>$/m);
      const [user] = xmlTexts(await moto.ask("iam", "ListUsers"), "UserName");
      assert.deepEqual(xmlTexts(await moto.ask("iam", "ListAccessKeys", { UserName: user! }), "AccessKeyId"), [/^access_key +(\S+)$/m.exec(shown)![1]]);
      await sh(`vault lease revoke -sync ${/^lease_id +(\S+)$/m.exec(shown)![1]}`);
      assert.deepEqual(xmlTexts(await moto.ask("iam", "ListUsers"), "UserName"), []);
    } finally {
      await moto.stop();
    }
  });

  it("a pipeline's script that asks for a database's user", { skip: (postgresProgram() === undefined || findProgram("psql") === undefined) && "PostgreSQL is not installed" }, async () => {
    const postgres = await startPostgres();
    try {
      await postgres.query("CREATE ROLE vault SUPERUSER LOGIN PASSWORD 'first'");
      await sh(`vault secrets enable database\nvault write database/config/app plugin_name=postgresql-database-plugin connection_url='postgresql://{{username}}:{{password}}@127.0.0.1:${postgres.port}/postgres?sslmode=disable' username=vault password=first allowed_roles=app-role`);
      await sh(`vault write database/roles/app-role db_name=app default_ttl=1h creation_statements="CREATE ROLE \\"{{name}}\\" LOGIN PASSWORD '{{password}}'"\nGITHUB_ENV=$PWD/github.env`);
      await sh(DATABASE_STEP);
      const login = `psql -h 127.0.0.1 -p ${postgres.port} -U $DB_USER -d postgres -Atc 'SELECT current_user'`;
      const user = (await sh(`source github.env; export PGPASSWORD=$DB_PASS; ${login}`)).trim();
      assert.match(user, /^v-root-app-role-/);
      await sh("vault lease revoke -sync -prefix database/creds");
      assert.match(await refused(login), /(authentication|role) .*(failed|does not exist)/);
    } finally {
      await postgres.stop();
    }
  });

  it("PKI: a root, a role, certificates", async () => {
    await sh("vault secrets enable -path=pki pki\nvault secrets tune -max-lease-ttl=87600h pki");
    await sh('vault write pki/root/generate/internal common_name="Company Internal Root CA" ttl=87600h key_type="rsa" key_bits=4096 ou="Security Team" organization="Company Inc." country="US" province="California" locality="San Francisco"');
    await sh('vault write pki/config/urls issuing_certificates="https://vault.internal:8200/v1/pki/ca" crl_distribution_points="https://vault.internal:8200/v1/pki/crl"');
    await sh('vault write pki/roles/service-certs allowed_domains="internal.company.com,internal" allow_subdomains=true allow_bare_domains=true allow_localhost=true max_ttl="720h" key_type="ec" key_bits=256 require_cn=true client_flag=true server_flag=true key_usage=["DigitalSignature","KeyAgreement","KeyEncipherment"] ext_key_usage=["ServerAuth","ClientAuth"]');
    // "api" is below none of the allowed domains: Vault refuses it as well.
    assert.match(await refused(`${ISSUE} alt_names="api.internal,api"`), /subject alternate name api not allowed by this role/);
    assert.match(await sh(`${ISSUE} alt_names="api.internal"`), /^certificate +-----BEGIN CERTIFICATE-----[^]*^private_key_type +ec$/m);
  });

  it("a script that rotates a certificate", async () => {
    const expires = Number(/^expires (\d+)$/m.exec(await sh("ROLE=service-certs COMMON_NAME=api.internal.company.com bash rotate.sh"))![1]);
    assert.ok(Math.abs(expires - Date.now() / 1000 - 720 * 3600) < 120);
    assert.equal(await sh("openssl verify -CAfile ca.crt server.crt"), "server.crt: OK\n");
    const extensions = await sh("openssl x509 -in server.crt -noout -ext keyUsage,extendedKeyUsage,crlDistributionPoints");
    for (const text of ["Digital Signature, Key Encipherment, Key Agreement", "TLS Web Server Authentication, TLS Web Client Authentication", "URI:https://vault.internal:8200/v1/pki/crl"]) assert.ok(extensions.includes(text), extensions);
    assert.equal(await sh("diff <(openssl pkey -in server.key -pubout) <(openssl x509 -in server.crt -noout -pubkey)"), "");
  });

  it("policies, and what a token of them may do", async () => {
    for (const [name, text] of Object.entries(POLICIES)) {
      assert.equal(await sh(`vault policy write ${name} policies/${name}.hcl`), `Success! Uploaded policy: ${name}\n`);
      assert.equal(await sh(`vault policy read ${name}`), text);
    }
    await sh("APP=$(vault token create -policy=app-production -field=token)");
    assert.equal(await sh("VAULT_TOKEN=$APP vault kv get -field=REDIS_URL secret/production/api-gateway"), "redis://2");
    assert.match(await refused("VAULT_TOKEN=$APP vault kv get secret/production/other"), /\* permission denied/);
    await sh("ADMIN=$(vault token create -policy=platform-admin -field=token)");
    assert.match(await sh("VAULT_TOKEN=$ADMIN vault secrets list 2>&1 || true"), /permission denied/);
    assert.match(await sh("VAULT_TOKEN=$ADMIN vault read sys/mounts/pki"), /^type +pki$/m);
  });

  it("Prometheus finds what the alerts ask for, by bearer token only", async () => {
    const scrape = `curl -s --cacert $VAULT_CACERT "$VAULT_ADDR/v1/sys/metrics?format=prometheus"`;
    const metrics = await sh(`${scrape} -H "Authorization: Bearer $VAULT_TOKEN"`);
    assert.match(metrics, /^vault_core_unsealed\{[^}]*\} 1$/m);
    assert.match(metrics, /^vault_core_active\{[^}]*\} 1$/m);
    assert.match(metrics, /^vault_core_handle_request\{[^}]*quantile="0.99"[^}]*\} [\d.]+$/m);
    assert.match(await sh(scrape), /permission denied/);
  });

  it("a snapshot: save, inspect, restore", async () => {
    await sh("vault operator raft snapshot save vault.snapshot");
    assert.match(await sh("vault operator raft snapshot inspect vault.snapshot"), /^index +\d+\nsize +\d+\nterm +\d+/m);
    await sh("vault kv put secret/after a=b\nvault operator raft snapshot restore vault.snapshot");
    assert.match(await refused("vault kv get secret/after"), /No value found at secret\/data\/after/);
    assert.equal(await sh("vault kv get -field=REDIS_URL secret/production/api-gateway"), "redis://2");
  });

  it("the audit log has all of it, and none of the secrets", () => {
    const log = readFileSync(join(server.folder, "audit.log"), "utf8");
    const entries = log.trim().split("\n").map((line) => JSON.parse(line) as { type: string; request: { path: string } });
    assert.ok(entries.some(({ type, request }) => type === "response" && request.path === "secret/data/production/api-gateway"));
    for (const secret of ["sk_live_", "prod-db.internal", "PRIVATE KEY", /^Initial Root Token: (\S+)$/m.exec(init)![1]!]) assert.equal(log.includes(secret), false, secret);
  });

  it("the service: reload keeps it running, stop ends it with 0, and a start leaves it sealed until there are three shares", async () => {
    server.signal("SIGHUP");
    await sh("vault kv get secret/production/api-gateway");
    assert.equal(await server.end("SIGTERM"), 0);
    await server.start();
    assert.match((await refused("vault status")), /^Sealed +true$/m);
    await sh(`${unsealing()}\nuntil vault kv get secret/production/api-gateway; do sleep 0.1; done`);
  });
});
