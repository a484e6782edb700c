import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import fc from "fast-check";
import { HclError } from "@coffer/hcl";
import { ConfigurationError } from "./environment.js";
import { loadConfiguration } from "./load.js";
import { folderOf } from "./testing/files.js";

const KEYS = ["address", "tls_disable", "tls_cert_file", "tls_min_version", "tls_cipher_suites", "max_request_size", "http_read_timeout", "telemetry", "path", "node_id", "retry_join", "leader_api_addr", "leader_ca_cert_file", "autopilot", "min_quorum", "performance_multiplier", "region", "options", "api_addr", "cluster_addr", "log_level", "log_format", "ui", "max_lease_ttl", "default_lease_ttl", "cache_size", "disable_mlock", "user_lockout", "x_forwarded_for_authorized_addrs", "constructor", "__proto__", "toString"];
const BLOCKS = ["listener", "storage", "seal", "telemetry", "audit_device", "audit", "retry_join", "autopilot", "options", "user_lockout", "__proto__"];
const LABELS = ["tcp", "raft", "inmem", "file", "awskms", "shamir", "__proto__", "constructor"];

const text = fc.oneof(fc.constantFrom("", "10s", "-1h", "true", "127.0.0.1:8200", "https://a:1", "http://[", "tls13", "info", "/nowhere", "TLS_AES_128_GCM_SHA256", "{{x}}", "constructor"), fc.string());
const scalar = fc.oneof(text.map((one) => JSON.stringify(one)), fc.integer().map(String), fc.double({ noNaN: true, noDefaultInfinity: true }).map(String), fc.constantFrom("true", "false", "null"));

const { file } = fc.letrec<{ file: string; item: string; value: string }>((tie) => ({
  file: fc.array(tie("item"), { maxLength: 6 }).map((items) => items.join("\n")),
  value: fc.oneof({ depthSize: "small" }, scalar, fc.array(tie("value"), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`), tie("file").map((body) => `{\n${body}\n}`)),
  item: fc.oneof(
    { depthSize: "small" },
    fc.tuple(fc.constantFrom(...KEYS, ...BLOCKS), tie("value")).map(([key, value]) => `${key} = ${value}`),
    fc.tuple(fc.constantFrom(...BLOCKS), fc.array(fc.constantFrom(...LABELS), { maxLength: 2 }), tie("file")).map(([name, labels, body]) => `${name} ${labels.map((label) => JSON.stringify(label)).join(" ")} {\n${body}\n}`),
  ),
}));

test("configurations of known keys and any values are read, or refused for the operator", (t) => {
  const folder = folderOf(t, {});
  const path = join(folder, "c.hcl");
  const good = 'listener "tcp" { tls_disable = true }\nstorage "inmem" {}\n';
  fc.assert(
    fc.property(fc.oneof(file, file.map((rest) => `${good}${rest}`), fc.string()), fc.dictionary(fc.constantFrom("VAULT_API_ADDR", "VAULT_CLUSTER_ADDR", "VAULT_LOG_LEVEL", "VAULT_SEAL_TYPE", "VAULT_UI"), text, { noNullPrototype: true }), (written, environment) => {
      writeFileSync(path, written);
      try {
        const { apiAddress, clusterAddress, listeners } = loadConfiguration([path], environment);
        assert.ok(URL.canParse(apiAddress) && URL.canParse(clusterAddress) && listeners.length > 0);
      } catch (error) {
        assert.ok(error instanceof HclError || error instanceof ConfigurationError, String(error instanceof Error ? error.stack : error));
        if (error instanceof HclError) assert.ok(error.at.line <= written.split("\n").length && error.file === path);
      }
    }),
    { numRuns: 1500 },
  );
});
