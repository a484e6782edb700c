import assert from "node:assert/strict";
import test from "node:test";
import { plainListener } from "../http/testing/echo-application.js";
import { sanitizedConfiguration } from "./sanitized-configuration.js";
import { configurationOf, raftStorage } from "./testing/test-node.js";

test("the configuration is shown without anything secret", () => {
  const storage = raftStorage("/data", "n1", [{ leaderApiAddress: "https://user:SECRET@a:1", caCertificate: "SECRET", clientCertificate: "SECRET", clientKey: "SECRET", tlsServerName: "SECRET" }]);
  const tls = { certificateFile: "/c", keyFile: "SECRET", minVersion: "TLSv1.2", maxVersion: "TLSv1.3", ciphers: [], clientCaFile: undefined, requireClientCertificate: false, acceptClientCertificates: true } as const;
  const made = configurationOf(storage, plainListener({ tls }), "https://a:8200", "https://a:8201", [{ path: "file/", type: "file", description: "", options: { file_path: "SECRET" } }]);
  const shown = sanitizedConfiguration({ ...made, seals: [{ type: "awskms", name: "kms", priority: 1, disabled: false, options: { secret_key: "SECRET" } }] });
  assert.ok(!JSON.stringify(shown).includes("SECRET"));
  assert.deepEqual(shown["storage"], { type: "raft", cluster_addr: "https://a:8201", redirect_addr: "https://a:8200", raft: { path: "/data", node_id: "n1" } });
  assert.deepEqual(shown["seals"], [{ type: "awskms", name: "kms", priority: 1, disabled: false }]);
  assert.deepEqual((sanitizedConfiguration({ ...made, storage: { type: "inmem" } }))["storage"], { type: "inmem", cluster_addr: "", redirect_addr: "https://a:8200", disable_clustering: false });
});
