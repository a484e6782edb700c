import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { ConfigurationError } from "./environment.js";
import { loadConfiguration } from "./load.js";
import { folderOf, loader, MINIMAL } from "./testing/files.js";

test("what is not said has Vault's defaults", (t) => {
  const { listeners, storage, ...rest } = loader(t).load('listener "tcp" { tls_disable = true }\nstorage "raft" { path = "/data" }\n');
  assert.equal(listeners[0]?.address, "127.0.0.1:8200");
  assert.deepEqual(storage, { type: "raft", path: "/data", nodeId: hostname(), performanceMultiplier: 1, readLease: false, trailingLogs: undefined, snapshotThreshold: undefined, retryJoin: [], retryJoinAsNonVoter: false, autopilot: {} });
  assert.deepEqual(rest, {
    seals: [],
    telemetry: { prometheusRetention: 86_400, disableHostname: false, enableHostnameLabel: false },
    auditDevices: [],
    userLockout: { byType: {} },
    apiAddress: "http://127.0.0.1:8200",
    clusterAddress: "https://127.0.0.1:8201",
    clusterName: undefined,
    defaultLeaseTtl: 2_764_800,
    maxLeaseTtl: 2_764_800,
    defaultMaxRequestDuration: 90,
    logLevel: "info",
    logFormat: "standard",
    logFile: undefined,
    pidFile: undefined,
    ui: false,
    cacheSize: 131_072,
    rawStorage: false,
    introspection: false,
    hostnameHeader: false,
    nodeIdHeader: false,
    warnings: [],
  });
});

test("JSON is read as Vault takes it", (t) => {
  const configuration = loader(t).load(
    JSON.stringify({
      listener: [{ tcp: { address: "127.0.0.1:8200", tls_disable: "true" } }, { tcp: { address: "127.0.0.1:8202", tls_disable: 1, telemetry: { unauthenticated_metrics_access: true } } }],
      storage: { raft: { path: "/data", retry_join: [{ leader_api_addr: "http://a:1" }, { leader_api_addr: "http://b:2" }], autopilot: { min_quorum: 3 } } },
      seal: { awskms: { region: "eu-central-1", kms_key_id: "k", disabled: true } },
      audit_device: { file: { path: "/a.log" } },
      audit: [{ file: { second: { options: { file_path: "/b.log" } } } }],
      telemetry: { disable_hostname: true },
      default_lease_ttl: 3600,
      max_lease_ttl: "2h",
      ui: true,
    }),
  );
  assert.deepEqual(configuration.listeners.map(({ address, unauthenticatedMetrics }) => [address, unauthenticatedMetrics]), [["127.0.0.1:8200", false], ["127.0.0.1:8202", true]]);
  assert.ok(configuration.storage.type === "raft");
  assert.deepEqual(configuration.storage.retryJoin.map(({ leaderApiAddress }) => leaderApiAddress), ["http://a:1", "http://b:2"]);
  assert.deepEqual(configuration.storage.autopilot, { min_quorum: 3 });
  assert.deepEqual(configuration.seals, [{ type: "awskms", name: "awskms", priority: 1, disabled: true, options: { region: "eu-central-1", kms_key_id: "k" } }]);
  assert.deepEqual(configuration.auditDevices.map(({ path, options }) => [path, options]), [["file/", { file_path: "/a.log" }], ["second/", { file_path: "/b.log" }]]);
  assert.deepEqual([configuration.telemetry.disableHostname, configuration.defaultLeaseTtl, configuration.maxLeaseTtl, configuration.ui], [true, 3600, 7200, true]);
});

test("a folder's *.hcl and *.json are one configuration; a later value counts, listeners add up", (t) => {
  const folder = folderOf(t, {
    "10-base.hcl": `${MINIMAL}cluster_name = "a"\nui = true\n`,
    "20-node.json": '{"cluster_name": "b", "storage": {"raft": {"path": "/data"}}, "listener": {"tcp": {"address": "127.0.0.1:8300", "tls_disable": true}}}',
    "30-notes.txt": "not HCL",
    ".hidden.hcl": "}",
    "#saved.hcl": "}",
    "old.hcl~": "}",
  });
  mkdirSync(join(folder, "folder.hcl"));
  const configuration = loadConfiguration([folder], {});
  assert.deepEqual([configuration.clusterName, configuration.ui, configuration.storage.type], ["b", true, "raft"]);
  assert.deepEqual(configuration.listeners.map(({ address }) => address), ["127.0.0.1:8200", "127.0.0.1:8300"]);
});

test("several -config are read in the order in which they are given", (t) => {
  const folder = folderOf(t, { "b.hcl": MINIMAL, "a.hcl": 'cluster_name = "a"', "c.hcl": 'cluster_name = "c"' });
  const paths = ["c.hcl", "b.hcl", "a.hcl"].map((name) => join(folder, name));
  assert.equal(loadConfiguration(paths, {}).clusterName, "a");
  assert.equal(loadConfiguration(paths.reverse(), {}).clusterName, "c");
});

test("an error in one of several files names that file", (t) => {
  const folder = folderOf(t, { "a.hcl": MINIMAL, "b.hcl": 'cluster_name = "b"\nmax_lease_ttl = "long"\n' });
  assert.throws(() => loadConfiguration([folder], {}), { message: `${folder}/b.hcl:2:17: max_lease_ttl takes a duration such as "10s", "24h" or "30d", not the string "long"` });
  writeFileSync(join(folder, "b.hcl"), "\n  clustername = 1");
  assert.throws(() => loadConfiguration([folder], {}), { message: `${folder}/b.hcl:2:3: unknown key "clustername"; did you mean "cluster_name"?` });
  writeFileSync(join(folder, "b.hcl"), "ui = true\nui = true\n");
  assert.throws(() => loadConfiguration([folder], {}), { message: `${folder}/b.hcl:2:1: ui is given twice` });
});

test("files that are not there, are folders, or are not text are named", (t) => {
  const folder = folderOf(t, { "latin.hcl": "" });
  writeFileSync(join(folder, "latin.hcl"), Buffer.from([0x75, 0x69, 0xe9]));
  const refused = (paths: string[], message: string) => assert.throws(() => loadConfiguration(paths, {}), { name: "ConfigurationError", message });
  refused([], "no configuration is named; give -config=FILE");
  refused([`${folder}/no.hcl`], `cannot read the configuration ${folder}/no.hcl: no such file or folder`);
  refused([`${folder}/latin.hcl`], `the configuration ${folder}/latin.hcl is not UTF-8 text`);
  mkdirSync(join(folder, "empty"));
  refused([`${folder}/empty`], `there is no *.hcl and no *.json file in ${folder}/empty`);
});

test("mistakes are answered with file, line, column and what to do", (t) => {
  const { problem } = loader(t);
  assert.equal(problem(`${MINIMAL}clster_name = "x"`), 'c.hcl:4:1: unknown key "clster_name"; did you mean "cluster_name"?');
  assert.equal(problem(`${MINIMAL}ui = "on"`), 'c.hcl:4:6: ui takes true or false, not the string "on"');
  assert.equal(problem(`${MINIMAL}default_lease_ttl = "1w"`), 'c.hcl:4:21: default_lease_ttl takes a duration such as "10s", "24h" or "30d", not the string "1w"');
  assert.equal(problem(`${MINIMAL}ui = true\nui = false`), "c.hcl:5:1: ui is given twice");
  assert.equal(problem(`${MINIMAL}telemetry {\n`), "c.hcl:4:11: this block is never closed with }");
  assert.equal(problem(`${MINIMAL}telemetry {}\ntelemetry {}`), "c.hcl:5:1: one telemetry block is enough");
  assert.equal(problem(`${MINIMAL}cluster_name {}`), "c.hcl:4:1: cluster_name takes a value (cluster_name = …), not a block");
  assert.equal(problem(`${MINIMAL}log_level = "loud"`), 'c.hcl:4:13: log_level is one of trace, debug, info, warn, error, not "loud"');
  assert.equal(problem(`${MINIMAL}log_format = "xml"`), 'c.hcl:4:14: log_format is one of standard, json, not "xml"');
  assert.equal(problem(`${MINIMAL}cache_size = -1`), "c.hcl:4:14: cache_size must not be negative");
  assert.equal(problem(`${MINIMAL}default_lease_ttl = "1000h"`), "c.hcl:4:21: default_lease_ttl is greater than max_lease_ttl (768h unless set)");
  assert.match(problem('storage "inmem" {}'), /^the configuration has no listener: add listener/);
  assert.match(problem('listener "tcp" { tls_disable = true }'), /^the configuration has no storage: add storage/);
  assert.match(problem(""), /no listener/);
});

test("a maximum below Vault's default lease brings the default down", (t) => {
  const { defaultLeaseTtl, maxLeaseTtl } = loader(t).load(`${MINIMAL}max_lease_ttl = "24h"`);
  assert.deepEqual([defaultLeaseTtl, maxLeaseTtl], [86_400, 86_400]);
});

test("the environment overrides the file; set to nothing it does not", (t) => {
  const text = 'listener "tcp" { tls_disable = true }\nstorage "raft" {\n  path = "/a"\n  node_id = "a"\n}\napi_addr = "http://a:1"\ncluster_addr = "https://a:2"\nlog_level = "warn"\nlog_format = "json"\nui = true\n';
  const names = ["VAULT_API_ADDR", "VAULT_CLUSTER_ADDR", "VAULT_RAFT_PATH", "VAULT_RAFT_NODE_ID", "VAULT_LOG_LEVEL", "VAULT_LOG_FORMAT", "VAULT_UI"];
  const settings = (values: readonly string[]) => {
    const { storage, apiAddress, clusterAddress, logLevel, logFormat, ui } = loader(t).load(text, Object.fromEntries(names.map((name, i) => [name, values[i]!])));
    assert.ok(storage.type === "raft");
    return [apiAddress, clusterAddress, storage.path, storage.nodeId, logLevel, logFormat, ui];
  };
  assert.deepEqual(settings(["https://b:1", "b:2", "/b", "b", "DEBUG", "standard", "false"]), ["https://b:1", "https://b:2", "/b", "b", "debug", "standard", false]);
  assert.deepEqual(settings(names.map(() => "")), ["http://a:1", "https://a:2", "/a", "a", "warn", "json", true]);
});

test("a wrong environment variable is named", (t) => {
  const { problem } = loader(t);
  assert.equal(problem(MINIMAL, { VAULT_LOG_LEVEL: "loud" }), 'environment variable VAULT_LOG_LEVEL is one of trace, debug, info, warn, error, not "loud"');
  assert.match(problem(MINIMAL, { VAULT_API_ADDR: "node-1:8200" }), /^environment variable VAULT_API_ADDR: api_addr takes a URL/);
  assert.match(problem(MINIMAL, { VAULT_SEAL_TYPE: "pkcs11" }), /^environment variable VAULT_SEAL_TYPE: seal "pkcs11" is not known/);
  assert.equal(problem(MINIMAL, { VAULT_SEAL_TYPE: "awskms" }), 'environment variable VAULT_SEAL_TYPE: seal "awskms" needs kms_key_id: set VAULT_AWSKMS_SEAL_KEY_ID');
});

test("Vault's other names of log levels mean the same", (t) => {
  assert.deepEqual(["notice", "warning", "err", "TRACE"].map((name) => loader(t).load(`${MINIMAL}log_level = "${name}"`).logLevel), ["info", "warn", "error", "trace"]);
});

test("addresses for others come from the first listener where they are not said", (t) => {
  const { load } = loader(t);
  const addresses = (listener: string, rest = "") => {
    const { apiAddress, clusterAddress } = load(`listener "tcp" { address = "${listener}", tls_disable = true }\nstorage "inmem" {}\n${rest}`);
    return [apiAddress, clusterAddress];
  };
  assert.deepEqual(addresses("0.0.0.0:8200"), [`http://${hostname()}:8200`, `https://${hostname().toLowerCase()}:8201`]);
  assert.deepEqual(addresses("[::1]:9000"), ["http://[::1]:9000", "https://[::1]:9001"]);
  assert.deepEqual(addresses("127.0.0.1:1", 'api_addr = "https://vault.example/"'), ["https://vault.example", "https://vault.example:444"]);
  assert.deepEqual(addresses("127.0.0.1:1", 'cluster_addr = "10.0.0.1:8201"'), ["http://127.0.0.1:1", "https://10.0.0.1:8201"]);
});

test("addresses that are none are refused where they stand", (t) => {
  const { problem } = loader(t);
  const text = MINIMAL.split("\n").slice(0, 2).join("\n");
  for (const bad of ["node-1:8200", "ftp://x", "https://", "https://x:99999", "https://x/path", "https://x?y"]) assert.equal(problem(`${text}\napi_addr = "${bad}"`), `c.hcl:3:12: api_addr takes a URL such as "https://node-1.internal:8200", not ${JSON.stringify(bad)}`);
  assert.equal(problem(`${text}\ncluster_addr = "https://{{ GetPrivateIP }}:8201"`), "c.hcl:3:16: addresses are not templates in this version; write the address out");
  assert.equal(problem(`${text}\napi_addr = "https://x:65535"`), "c.hcl:3:12: there is no port above that of api_addr; set cluster_addr");
});

test("an error that is thrown is an error for the operator", () => {
  assert.throws(() => loadConfiguration(["/nowhere/c.hcl"], {}), ConfigurationError);
});
