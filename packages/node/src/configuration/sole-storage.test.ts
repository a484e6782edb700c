import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { folderOf, loader } from "./testing/files.js";

const LISTENER = 'listener "tcp" { tls_disable = true }\n';
const storage = (type: string, body = "") => `${LISTENER}storage "${type}" {\n${body}\n}\n`;
const URL = 'connection_url = "postgres://u:p@db/coffer"';

test("each has Vault's defaults", (t) => {
  const { load } = loader(t);
  assert.deepEqual(load(storage("file", 'path = "/data"')).storage, { type: "file", path: "/data" });
  assert.deepEqual(load(storage("postgresql", URL)).storage, { type: "postgresql", connectionUrl: "postgres://u:p@db/coffer", table: "coffer_kv_store" });
  assert.deepEqual(load(storage("s3", 'bucket = "b"')).storage, { type: "s3", bucket: "b", region: "us-east-1", endpoint: undefined, forcePathStyle: false, accessKey: undefined, secretKey: undefined, sessionToken: undefined, kmsKeyId: undefined, prefix: "" });
  assert.deepEqual(load(storage("consul")).storage, { type: "consul", address: "127.0.0.1:8500", scheme: "http", token: undefined, prefix: "coffer/", sessionTtlSeconds: 15, tls: { ca: undefined, certificate: undefined, key: undefined, skipVerify: false } });
});

test("every setting is taken", (t) => {
  const { load } = loader(t);
  const file = join(folderOf(t, { "x.pem": "PEM" }), "x.pem");
  assert.deepEqual(load(storage("postgresql", `${URL}\ntable = "s.t"\nmax_connect_retries = 3`)).storage, { type: "postgresql", connectionUrl: "postgres://u:p@db/coffer", table: "s.t" });
  assert.deepEqual(
    load(storage("s3", 'bucket = "b"\nregion = "eu-west-1"\nendpoint = "minio:9000"\ndisable_ssl = "true"\naccess_key = "a"\nsecret_key = "s"\nsession_token = "t"\ns3_force_path_style = "true"\nkms_key_id = "k"\npath = "/a/b"')).storage,
    { type: "s3", bucket: "b", region: "eu-west-1", endpoint: "http://minio:9000", forcePathStyle: true, accessKey: "a", secretKey: "s", sessionToken: "t", kmsKeyId: "k", prefix: "a/b/" },
  );
  assert.deepEqual(
    load(storage("consul", `address = "https://c:1"\ntoken = "t"\npath = "p"\nsession_ttl = "20s"\ntls_ca_file = "${file}"\ntls_skip_verify = 1`)).storage,
    { type: "consul", address: "c:1", scheme: "https", token: "t", prefix: "p/", sessionTtlSeconds: 20, tls: { ca: "PEM", certificate: undefined, key: undefined, skipVerify: true } },
  );
});

test("what cannot be used is refused at its line, and no password is shown", (t) => {
  const { problem } = loader(t);
  assert.equal(problem(storage("file")), 'c.hcl:2:1: storage "file" needs path, the folder of the data');
  assert.equal(problem(storage("file", 'path = "/d"\npth = "x"')), 'c.hcl:4:1: unknown key "pth"; did you mean "path"?');
  assert.match(problem(storage("postgresql")), /^c\.hcl:2:1: storage "postgresql" needs connection_url/);
  assert.equal(problem(storage("postgresql", 'connection_url = "host=db password=secret"')), 'c.hcl:3:18: connection_url begins with "postgres://" or "postgresql://"');
  assert.equal(problem(storage("postgresql", `${URL}\ntable = "a; DROP"`)), 'c.hcl:4:9: table takes a name such as "coffer" or "schema.coffer", not "a; DROP"');
  assert.equal(problem(storage("postgresql", `${URL}\nha_enabled = "true"`)), 'c.hcl:4:14: storage "postgresql" is that of one node alone: for more than one, use storage "raft", and coffer operator migrate to get there');
  assert.equal(problem(storage("s3")), 'c.hcl:2:1: storage "s3" needs bucket');
  assert.equal(problem(storage("s3", 'bucket = "b"\naccess_key = "a"')), "c.hcl:2:1: access_key and secret_key go together");
  assert.match(problem(storage("s3", 'bucket = "b"\nendpoint = "http://"')), /^c\.hcl:4:12: endpoint takes a URL/);
  assert.equal(problem(storage("consul", 'scheme = "ftp"')), 'c.hcl:3:10: scheme is http or https, not "ftp"');
  assert.equal(problem(storage("consul", 'session_ttl = "5s"')), "c.hcl:3:15: session_ttl is between 10s and 24h");
  assert.match(problem(storage("consul", 'address = "a/b"')), /^c\.hcl:3:11: address takes "host:port"/);
  assert.match(problem(storage("consul", 'tls_ca_file = "/no"')), /^c\.hcl:3:15: cannot read \/no \(ENOENT\)/);
});

test("what Vault knows and this node does not need is told, and changes nothing", (t) => {
  const { load } = loader(t);
  const warned = (body: string, type: string) => load(storage(type, body)).warnings.map((line) => line.replace(/^.*key /, ""));
  assert.deepEqual(warned(`${URL}\nmax_idle_connections = 5\nmax_parallel = "9"\nha_enabled = "false"`, "postgresql"), [
    "max_idle_connections has no effect in this version: one connection does it all",
    "max_parallel has no effect in this version: one connection does it all",
  ]);
  assert.deepEqual(warned('service = "v"\ndisable_registration = "true"\nconsistency_mode = "strong"', "consul"), ["service has no effect in this version: this node registers itself nowhere"]);
});
