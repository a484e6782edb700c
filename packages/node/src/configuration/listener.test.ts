import assert from "node:assert/strict";
import test from "node:test";
import type { TestContext } from "node:test";
import { loader } from "./testing/files.js";

const REST = '\nstorage "inmem" {}\n';
const listener = (body: string) => `listener "tcp" {\n${body}\n}${REST}`;
const tls = (body: string) => listener(`tls_cert_file = "/c"\ntls_key_file = "/k"\n${body}`);

function only(t: TestContext, text: string) {
  const [found] = loader(t).load(text).listeners;
  assert.ok(found);
  return found;
}

test("every TLS key is read", (t) => {
  const found = only(t, tls('tls_min_version = "tls12"\ntls_max_version = "tls12"\ntls_cipher_suites = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,TLS_RSA_WITH_AES_256_CBC_SHA,TLS_AES_128_GCM_SHA256"\ntls_require_and_verify_client_cert = "true"\ntls_client_ca_file = "/ca"\ntls_prefer_server_cipher_suites = true\n'));
  assert.deepEqual(found.tls, {
    certificateFile: "/c",
    keyFile: "/k",
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.2",
    ciphers: ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305", "AES256-SHA", "TLS_AES_128_GCM_SHA256"],
    clientCaFile: "/ca",
    requireClientCertificate: true,
    acceptClientCertificates: true,
  });
  assert.equal(only(t, tls("tls_disable_client_certs = true")).tls?.acceptClientCertificates, false);
  assert.equal(only(t, tls("tls_disable = true")).tls, undefined);
});

test("TLS that cannot be is refused", (t) => {
  const { problem } = loader(t);
  assert.equal(problem(listener('address = "x:1"')), "c.hcl:1:1: this listener needs tls_cert_file and tls_key_file, or tls_disable = true");
  assert.equal(problem(listener('tls_certfile = "/c"\ntls_key_file = "/k"')), 'c.hcl:2:1: unknown key "tls_certfile"; did you mean "tls_cert_file"?');
  assert.equal(problem(tls('tls_min_version = "tls11"')), 'c.hcl:4:19: tls_min_version is "tls12" or "tls13": older versions are broken and not spoken');
  assert.equal(problem(tls('tls_min_version = "constructor"')), 'c.hcl:4:19: tls_min_version is "tls12" or "tls13", not "constructor"');
  assert.equal(problem(tls('tls_min_version = "tls13"\ntls_max_version = "tls12"')), "c.hcl:4:19: tls_min_version is above tls_max_version");
  assert.equal(problem(tls('tls_cipher_suites = ["TLS_RSA_WITH_RC4_128_SHA"]')), 'c.hcl:4:21: cipher suite "TLS_RSA_WITH_RC4_128_SHA" is not known');
  assert.equal(problem(tls("tls_disable_client_certs = true\ntls_require_and_verify_client_cert = true")), "c.hcl:4:28: tls_disable_client_certs and tls_require_and_verify_client_cert contradict each other");
  assert.equal(problem(tls('tls_cert_flie = "/c"')), 'c.hcl:4:1: unknown key "tls_cert_flie"; did you mean "tls_cert_file"?');
});

test("limits and timeouts are read; zero means what it means to Vault", (t) => {
  const found = only(t, `default_max_request_duration = "10s"\n${listener('tls_disable = 1\nmax_request_size = 0\nhttp_read_timeout = "0s"\nhttp_read_header_timeout = 5\nhttp_idle_timeout = "1m"\nmax_request_duration = "0s"')}`);
  assert.deepEqual([found.maxRequestSize, found.readTimeout, found.readHeaderTimeout, found.idleTimeout, found.maxRequestDuration], [Number.MAX_SAFE_INTEGER, 0, 5, 60, 10]);
});

test("addresses are host and port", (t) => {
  const { problem } = loader(t);
  for (const good of ["127.0.0.1:8200", "[::]:8200", ":8200", "node.internal:1", "[fe80::1%eth0]:8200"]) assert.equal(only(t, `${listener(`tls_disable = true\naddress = "${good}"`)}api_addr = "http://a"`).address, good);
  for (const bad of ["127.0.0.1", "8200", "::1:8200", "x:99999", "http://x:1", "x:1/"]) assert.match(problem(listener(`tls_disable = true\naddress = "${bad}"`)), /^c\.hcl:3:11: address takes host:port, such as "0\.0\.0\.0:8200", not /, bad);
  assert.match(problem(listener('tls_disable = true\naddress = "[fe80::1%eth0]:8200"')), /is no URL; set api_addr/);
  assert.match(problem(listener('address = "{{ GetPrivateIP }}:8200"')), /address is a template/);
});

test("several listeners, with telemetry of their own", (t) => {
  const { listeners } = loader(t).load(`${listener("tls_disable = true")}listener "tcp" {\n  address = "127.0.0.1:8300"\n  cluster_address = "127.0.0.1:8301"\n  tls_disable = true\n  telemetry { unauthenticated_metrics_access = true }\n}`);
  assert.deepEqual(listeners.map(({ clusterAddress, unauthenticatedMetrics }) => [clusterAddress, unauthenticatedMetrics]), [[undefined, false], ["127.0.0.1:8301", true]]);
});

test("proxies are addresses and networks", (t) => {
  assert.deepEqual(only(t, listener('tls_disable = true\nx_forwarded_for_authorized_addrs = "10.0.0.0/8, 192.0.2.7,2001:db8::/32"')).trustedProxies, ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]);
  for (const bad of ["proxy", "10.0.0.0/33", "10.0.0.0/", "/8", ""]) assert.match(loader(t).problem(listener(`tls_disable = true\nx_forwarded_for_authorized_addrs = ["${bad}"]`)), /^c\.hcl:3:36: x_forwarded_for_authorized_addrs takes addresses and CIDRs/, bad);
});

test("other listeners, and keys that would shut something out, are refused", (t) => {
  const { problem } = loader(t);
  assert.equal(problem(`listener "unix" { address = "/run/x" }${REST}`), 'c.hcl:1:1: listener "unix" is not known; this version has "tcp"');
  for (const key of ['proxy_protocol_behavior = "use_always"', 'chroot_namespace = "a"', 'role = "metrics_only"', "telemetry { metrics_only = true }"]) assert.match(problem(listener(`tls_disable = true\n${key}`)), /^c\.hcl:3:\d+: /, key);
  assert.equal(only(t, listener('tls_disable = true\nrole = "default"\nproxy_protocol_behavior = ""\ntelemetry { metrics_only = false }')).tls, undefined);
});
