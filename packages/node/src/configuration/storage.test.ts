import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { folderOf, loader } from "./testing/files.js";

const LISTENER = 'listener "tcp" { tls_disable = true }\n';
const raft = (body: string) => `${LISTENER}storage "raft" {\npath = "/data"\n${body}\n}\n`;
const CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

test("retry_join takes certificates inline and from files", (t) => {
  const file = join(folderOf(t, { "x.pem": CERTIFICATE }), "x.pem");
  const { storage } = loader(t).load(raft(`retry_join {\nleader_api_addr = "https://a:8200"\nleader_ca_cert = <<EOT\n${CERTIFICATE}EOT\nleader_client_cert_file = "${file}"\nleader_client_key_file = "${file}"\nleader_tls_servername = "a"\n}`));
  assert.ok(storage.type === "raft");
  assert.deepEqual(storage.retryJoin, [{ leaderApiAddress: "https://a:8200", caCertificate: CERTIFICATE, clientCertificate: CERTIFICATE, clientKey: CERTIFICATE, tlsServerName: "a" }]);
});

test("a retry_join that cannot work is refused now, not when the node tries", (t) => {
  const { problem } = loader(t);
  const folder = folderOf(t, { "x.txt": "hello" });
  const join = (body: string) => problem(raft(`retry_join {\n${body}\n}`)).replaceAll(folder, "");
  assert.equal(join(""), 'c.hcl:4:1: retry_join needs leader_api_addr, such as "https://node-2.internal:8200"');
  assert.match(join('leader_api_addr = "node-2:8200"'), /^c\.hcl:5:19: leader_api_addr takes a URL/);
  assert.equal(join(`leader_api_addr = "https://a"\nleader_ca_cert_file = "${folder}/no"`), "c.hcl:6:23: cannot read /no (ENOENT)");
  assert.equal(join(`leader_api_addr = "https://a"\nleader_ca_cert_file = "${folder}"`), "c.hcl:6:23: cannot read  (EISDIR)");
  assert.equal(join(`leader_api_addr = "https://a"\nleader_ca_cert_file = "${folder}/x.txt"`), "c.hcl:6:23: /x.txt holds no PEM text");
  assert.equal(join('leader_api_addr = "https://a"\nleader_ca_cert = "/x.pem"'), "c.hcl:6:18: leader_ca_cert takes PEM text; a file goes to leader_ca_cert_file");
  assert.equal(join('leader_api_addr = "https://a"\nleader_client_cert = "-----BEGIN CERTIFICATE-----"'), "c.hcl:4:1: leader_client_cert and leader_client_key go together");
  assert.equal(join('auto_join = "provider=aws"'), "c.hcl:5:13: cloud auto-join is not built; list the nodes by leader_api_addr");
  assert.equal(join('leader_api_adr = "https://a"'), 'c.hcl:4:1: retry_join needs leader_api_addr, such as "https://node-2.internal:8200"');
});

test("numbers of raft are checked", (t) => {
  const { problem, load } = loader(t);
  assert.equal(problem(raft("performance_multiplier = 11")), "c.hcl:4:26: performance_multiplier is between 1 and 10");
  assert.equal(problem(raft("trailing_logs = 0")), "c.hcl:4:17: trailing_logs must be positive");
  assert.equal(problem(raft('autopilot {\n last_contact_threshold = "soon"\n}')), 'c.hcl:5:27: last_contact_threshold takes a duration such as "10s", "24h" or "30d", not the string "soon"');
  assert.equal(problem(raft("autopilot {}\nautopilot {}")), "c.hcl:5:1: one autopilot block is enough");
  assert.match(problem(raft('read_lease = "often"')) ?? "", /read_lease takes/);
  const { storage } = load(raft('read_lease = true\nperformance_multiplier = "5"\ntrailing_logs = 1000\nsnapshot_threshold = "500"'));
  assert.ok(storage.type === "raft");
  assert.deepEqual([storage.performanceMultiplier, storage.readLease, storage.trailingLogs, storage.snapshotThreshold], [5, true, 1000, 500]);
});

test("there is one storage, of a known kind", (t) => {
  const { problem, load } = loader(t);
  assert.equal(problem(`${LISTENER}storage "mysql" {}`), 'c.hcl:2:1: storage "mysql" is not known; this version has "raft", "inmem", "file", "postgresql", "s3", "consul"');
  assert.equal(problem(`${LISTENER}storage "raft" {}`), 'c.hcl:2:1: storage "raft" needs path, the folder of this node\'s data');
  assert.equal(problem(`${LISTENER}storage "inmem" {}\nstorage "inmem" {}`), "c.hcl:3:1: one storage block is enough");
  assert.equal(problem(`${LISTENER}storage "inmem" {}\nha_storage "raft" {}`), "c.hcl:3:1: one storage block is enough");
  assert.deepEqual(load(`${LISTENER}storage "inmem" {}`).storage, { type: "inmem" });
});
