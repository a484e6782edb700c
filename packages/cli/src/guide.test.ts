/** Commands of a guide to Vault, as they are written there, in a shell, against a server of ours. */
import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../bin/coffer.js", import.meta.url));
const POLICY = `# Read production secrets for this application only
path "secret/data/production/api-gateway" {
capabilities = ["read", "list"]
}
# Deny access to other applications' secrets (explicit deny)
path "secret/data/production/+" {
capabilities = ["deny"]
}
`;

describe("the guide's commands", () => {
  const folder = mkdtempSync(join(tmpdir(), "coffer-guide-"));
  let server: ChildProcess;
  let address = "";

  before(async () => {
    mkdirSync(join(folder, "policies"));
    writeFileSync(join(folder, "policies", "app-production.hcl"), POLICY);
    server = spawn(process.execPath, [PROGRAM, "server", "-dev", "-dev-root-token-id=root", "-dev-listen-address=127.0.0.1:0", "-dev-no-store-token"], { stdio: ["ignore", "pipe", "ignore"], env: { ...process.env, HOME: folder } });
    let printed = "";
    await new Promise<void>((resolve, reject) => {
      server.once("exit", () => reject(new Error(`the server did not start: ${printed}`)));
      server.stdout!.on("data", (chunk) => {
        printed += String(chunk);
        if (/Root Token: root\n/.test(printed)) resolve();
      });
    });
    address = `http://${/Listener 1: tcp \(addr: "([^"]+)"/.exec(printed)?.[1]}`;
  });
  after(async () => {
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs lines as a shell does that has `alias vault=coffer`; resolves with what they print. */
  function shell(lines: string): string {
    const script = `set -eu\nvault() { "$NODE" "$PROGRAM" "$@"; }\n${lines}\n`;
    const env = { PATH: process.env["PATH"] ?? "", HOME: folder, NODE: process.execPath, PROGRAM, VAULT_ADDR: address, VAULT_TOKEN: "root" };
    const done = spawnSync("sh", ["-c", script], { cwd: folder, env, encoding: "utf8" });
    assert.equal(done.status, 0, done.stderr);
    return done.stdout;
  }

  it("key-value version 2: enable, put, get, metadata, rollback, delete, destroy, undelete", () => {
    assert.equal(shell("vault secrets disable secret\nvault secrets enable -path=secret -version=2 kv"), "Success! Disabled the secrets engine (if it existed) at: secret/\nSuccess! Enabled the kv secrets engine at: secret/\n");
    const written = shell(`vault kv put secret/production/api-gateway \\
DATABASE_URL="postgres://prod-db.internal:5432/api" \\
REDIS_URL="redis://prod-redis.internal:6379" \\
STRIPE_API_KEY="sk_live_..." \\
JWT_SECRET="$(printf %s 6a77)"`);
    assert.match(written, /^=+ Secret Path =+\nsecret\/data\/production\/api-gateway\n/);
    assert.match(written, /^version +1$/m);
    assert.match(shell("vault kv get secret/production/api-gateway"), /^JWT_SECRET +6a77$/m);
    assert.equal(shell("vault kv get -field=DATABASE_URL secret/production/api-gateway"), "postgres://prod-db.internal:5432/api");
    shell("for n in 2 3 4; do vault kv put secret/production/api-gateway n=$n; done");
    assert.match(shell("vault kv get -version=3 secret/production/api-gateway"), /^n +3$/m);
    assert.equal(shell("vault kv metadata get secret/production/api-gateway").match(/^=+ Version \d =+$/gm)?.length, 4);
    assert.match(shell("vault kv rollback -version=2 secret/production/api-gateway"), /^version +5$/m);
    assert.equal(shell("vault kv delete secret/production/api-gateway"), "Success! Data deleted (if it existed) at: secret/data/production/api-gateway\n");
    assert.equal(shell("vault kv destroy -versions=4 secret/production/api-gateway"), "Success! Data written to: secret/destroy/production/api-gateway\n");
    assert.equal(shell("vault kv undelete -versions=4 secret/production/api-gateway"), "Success! Data written to: secret/undelete/production/api-gateway\n");
    assert.match(shell("vault kv undelete -versions=5 secret/production/api-gateway\nvault kv get secret/production/api-gateway"), /^n +2$/m);
  });

  it("JSON for scripts", () => {
    const secrets = JSON.parse(shell("SECRETS=$(vault kv get -format=json secret/production/api-gateway)\necho \"$SECRETS\"")) as { data: { data: unknown } };
    assert.deepEqual(secrets.data.data, { n: "2" });
    const read = JSON.parse(shell("vault read -format=json secret/data/production/api-gateway")) as { data: { metadata: { version: number } } };
    assert.equal(read.data.metadata.version, 5);
  });

  it("policies: write, read", () => {
    assert.equal(shell("vault policy write app-production policies/app-production.hcl"), "Success! Uploaded policy: app-production\n");
    assert.equal(shell("vault policy read app-production"), POLICY);
  });

  it("a token of that policy reads what it may and nothing else", () => {
    const token = shell("vault token create -policy=app-production -field=token");
    assert.equal(shell(`VAULT_TOKEN=${token} vault kv get -field=n secret/production/api-gateway`), "2");
    assert.match(shell(`VAULT_TOKEN=${token} vault kv get secret/production/other 2>&1 || echo "exit $?"`), /\* permission denied[^]*exit 2\n$/);
  });

  it("tune, write -f, status, operator", () => {
    assert.equal(shell("vault secrets tune -max-lease-ttl=87600h secret"), "Success! Tuned the secrets engine at: secret/\n");
    assert.equal(shell("vault write -f sys/rotate"), "Success! Data written to: sys/rotate\n");
    assert.match(shell("vault status"), /^Sealed +false$/m);
    assert.match(shell("vault operator init -key-shares=5 -key-threshold=3 2>&1 || true"), /Vault is already initialized/);
  });

  it("login keeps the token for later commands", () => {
    shell("unset VAULT_TOKEN\nvault login -no-print root\nvault token lookup");
    assert.equal(readFileSync(join(folder, ".vault-token"), "utf8"), "root");
  });
});
