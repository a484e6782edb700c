import assert from "node:assert/strict";
import test from "node:test";
import { loader, MINIMAL } from "./testing/files.js";

test("audit devices are read in both forms", (t) => {
  const { load, problem } = loader(t);
  const { auditDevices } = load(`${MINIMAL}audit_device "file" {\n  path = "/a"\n  mode = "0600"\n}\naudit "file" "second" {\n  description = "d"\n  options {\n    file_path = "/b"\n    log_raw = true\n  }\n}\n`);
  assert.deepEqual(auditDevices, [
    { path: "file/", type: "file", description: "", options: { mode: "0600", file_path: "/a" } },
    { path: "second/", type: "file", description: "d", options: { file_path: "/b", log_raw: "true" } },
  ]);
  assert.equal(problem(`${MINIMAL}audit_device "file" {}`), 'c.hcl:4:1: an audit device "file" needs path, the file that it writes');
  assert.match(problem(`${MINIMAL}audit_device {}`), /^c\.hcl:4:1: an audit device has a type/);
  assert.match(problem(`${MINIMAL}audit_device "file" { path = "/a" }\naudit_device "file" { path = "/b" }`), /two audit devices are called "file\/"/);
  const filtered = (filter: string) => problem(`${MINIMAL}audit_device "file" {\n  path = "/a"\n  filter = ${filter}\n}`);
  assert.match(filtered('"path matches `(`"'), /^c\.hcl:6:12: filter: "\(" is no regular expression: missing closing \)/);
  assert.match(filtered('"pth == kv"'), /^c\.hcl:6:12: filter: one of mount_point/);
  assert.match(problem(`${MINIMAL}audit "file" "x" {\n  options {\n    file_path = "/a"\n    mode = "9"\n  }\n}`), /^c\.hcl:7:12: mode must be octal/);
  assert.match(problem(`${MINIMAL}audit_device "nope" {}`), /^c\.hcl:4:21: unknown backend type: "nope"/);
  assert.equal(load(`${MINIMAL}audit_device "file" {\n  path = "/a"\n  filter = "path matches \\"^kv/\\""\n}`).auditDevices[0]!.options["filter"], 'path matches "^kv/"');
  assert.equal(problem(`${MINIMAL}audit_device "file" { pth = "/a" }`), 'c.hcl:4:23: unknown key "pth"; did you mean "path"?');
});

test("what has no effect is said, unless it asks for what happens anyway", (t) => {
  const { load } = loader(t);
  const warnings = (text: string) => load(text).warnings.map((warning) => warning.replace(/^.*\/(?=c\.hcl)/, ""));
  const listener = (body: string) => `listener "tcp" {\n  tls_disable = true\n  ${body}\n}\nstorage "inmem" {}\n`;
  assert.deepEqual(warnings(listener("require_request_header = true")), ["c.hcl:3: key require_request_header has no effect in this version: requests without X-Vault-Request are served"]);
  assert.deepEqual(warnings(listener('x_forwarded_for_reject_not_present = "false"')), []);
  assert.deepEqual(warnings(listener("custom_response_headers {}")), ["c.hcl:3: key custom_response_headers has no effect in this version: these headers are not sent"]);
  assert.deepEqual(warnings(listener("telemetry { disallow_metrics = true }")), ["c.hcl:3: key disallow_metrics has no effect in this version: this listener serves metrics"]);
  assert.deepEqual(warnings(`${MINIMAL}plugin "auth" "x" {}\nplugin "auth" "y" {}\n`).map((line) => line.slice(0, 21)), ["c.hcl:4: key plugin h", "c.hcl:5: key plugin h"]);
  assert.deepEqual(warnings(`${MINIMAL}disable_mlock = true\nraw_storage_endpoint = false\nplugin_file_uid = 0\n`), []);
  assert.deepEqual(warnings(`${MINIMAL}telemetry {\n  statsd_address = "x:1"\n  usage_gauge_period = "5m"\n}`), ["c.hcl:5: key statsd_address has no effect in this version: metrics are served at sys/metrics only"]);
  assert.deepEqual(warnings('listener "tcp" { tls_disable = true }\nstorage "raft" {\n path = "/d"\n max_entry_size = 1\n}'), ["c.hcl:4: key max_entry_size has no effect in this version: the size of an entry is limited by max_request_size"]);
});
