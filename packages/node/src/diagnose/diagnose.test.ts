import "reflect-metadata";
import assert from "node:assert/strict";
import { generateKeyPairSync, webcrypto } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import test from "node:test";
import * as x509 from "@peculiar/x509";
import { freePort } from "@coffer/counterparts";
import { testCertificates } from "../http/testing/certificates.js";
import { clientBelowIntermediate } from "../http/testing/client-chain.js";
import { found, temporaryFolder, testNode } from "../server/testing/test-node.js";
import { diagnose } from "./diagnose.js";
import type { Skippable } from "./diagnose.js";
import type { Finding } from "./finding.js";

type Test = Parameters<typeof temporaryFolder>[0];
const DAY_MS = 86_400_000;

function one(finding: Finding, name: string): Finding {
  const all = (of: Finding): Finding[] => [of, ...(of.children ?? []).flatMap(all)];
  const exact = all(finding).filter((each) => each.name === name);
  const named = exact.length > 0 ? exact : all(finding).filter((each) => each.name.startsWith(name));
  assert.equal(named.length, 1, `${name} in ${JSON.stringify(finding, undefined, 1)}`);
  return named[0]!;
}

interface Plan {
  readonly listener: string;
  readonly storage: string;
  readonly more?: string;
}

async function run(t: Test, { listener, storage, more = "" }: Plan, skips: readonly Skippable[] = []): Promise<Finding> {
  const file = join(temporaryFolder(t), "coffer.hcl");
  const [api, cluster] = [await freePort(), await freePort()];
  writeFileSync(file, `listener "tcp" {\n  address = "127.0.0.1:${api}"\n  ${listener}\n}\n${storage}\n${more.includes("api_addr") ? "" : `api_addr = "https://127.0.0.1:${api}"\n`}cluster_addr = "https://127.0.0.1:${cluster}"\n${more}\n`);
  return diagnose([file], skips);
}

const tlsOf = (certificate: string, key: string, more = "") => `tls_cert_file = "${certificate}"\n  tls_key_file = "${key}"\n  ${more}`;
const raftAt = (path: string, id = "n1") => `storage "raft" {\n  path = "${path}"\n  node_id = "${id}"\n}`;

async function selfSigned(folder: string, name: string, beginDays: number, endDays: number): Promise<string> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const at = (days: number) => new Date(Date.now() + days * DAY_MS);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({ name: "CN=server", notBefore: at(beginDays), notAfter: at(endDays), signingAlgorithm: algorithm, keys, extensions: [new x509.SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }])] });
  writeFileSync(join(folder, `${name}.pem`), certificate.toString("pem"));
  writeFileSync(join(folder, `${name}.key`), x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY"));
  return tlsOf(join(folder, `${name}.pem`), join(folder, `${name}.key`));
}

test("the folder of a node that was stopped is well, and its cluster of one is said to be no cluster", async (t) => {
  const node = await testNode(t, "n1");
  await found(node);
  const certificates = await testCertificates(t);
  const { certificateFile, keyFile, clientCaFile } = certificates.tls();
  const plan = { listener: tlsOf(certificateFile, keyFile, `tls_require_and_verify_client_cert = true\n  tls_client_ca_file = "${clientCaFile}"`), storage: raftAt(node.folder) };
  const running = await run(t, plan);
  assert.match(one(running, "Check For Raft Quorum").message!, /A server runs on this folder/);
  await node.stop();

  const stopped = await run(t, plan);
  const quorum = one(stopped, "Check For Raft Quorum");
  assert.deepEqual([quorum.status, /^1 voters: n1 \(127\.0\.0\.1:\d+\)\.$/.test(quorum.warnings![0]!)], ["warn", true]);
  for (const name of ["Parse Configuration", "Check Data Folder Permissions", "Check Listener TLS", "Check Client Authorities", "Start Listener 127", "Start Cluster Listener", "Determine Redirect Address"]) {
    assert.equal(one(stopped, name).status, "ok", `${name}: ${JSON.stringify(one(stopped, name))}`);
  }
  // A disk that others use too may be slow just now: then it says so.
  const access = one(stopped, "Check Storage Access");
  assert.ok(access.status === "ok" || /^Writing and syncing a file of 1 MiB took \d+ ms\.$/.test(access.warnings!.join()), JSON.stringify(access));
  assert.deepEqual([one(stopped, "Check Autounseal").status, stopped.status], ["skip", "warn"]);
  // It looked, and did no more: the node goes on as if nothing had been.
  await node.start();
  assert.equal((await node.ask("read", "sys/seal-status")).body.initialized, true);
  await node.stop();

  assert.match(one(await run(t, { ...plan, storage: raftAt(node.folder, "other") }), "Check For Raft Quorum").message!, /is that of node "n1"/);
  chmodSync(node.folder, 0o755);
  assert.match(one(await run(t, plan), "Check Data Folder Permissions").warnings!.join(), /Others may use .*: its mode is 755/);
  writeFileSync(join(node.folder, "log", "CURRENT"), "MANIFEST-nothing\n");
  const damaged = one(await run(t, plan), "Check For Raft Quorum");
  assert.equal(damaged.status, "fail", JSON.stringify(damaged));
});

test("certificates: expiry, key, order, host and readability", async (t) => {
  const folder = temporaryFolder(t);
  const storage = 'storage "inmem" {}';
  const certificates = await testCertificates(t);
  const { certificateFile, keyFile } = certificates.tls();
  const chain = await clientBelowIntermediate();
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const chainKey = write("chain.key", chain.key);
  const encrypted = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase: "secret" }) as string;
  const cases: readonly [listener: string, status: Finding["status"], text: RegExp][] = [
    [tlsOf(certificateFile, keyFile), "ok", /Valid until/],
    [await selfSigned(folder, "old", -20, -1), "fail", /expired at/],
    [await selfSigned(folder, "early", 1, 20), "fail", /not valid before/],
    [await selfSigned(folder, "late", -20, 1), "warn", /expires in [01] days/],
    [tlsOf(certificateFile, chainKey), "fail", /is not that of the first certificate/],
    [tlsOf(certificateFile, write("locked.key", encrypted)), "fail", /cannot be read/],
    [tlsOf(write("good.pem", `${chain.leaf}\n${chain.intermediate}\n${chain.root}`), chainKey), "warn", /not good for 127\.0\.0\.1/],
    [tlsOf(write("gap.pem", `${chain.leaf}\n${chain.root}`), chainKey), "fail", /was not issued by the one after it/],
    [tlsOf(write("empty.pem", "nothing"), chainKey), "fail", /holds no certificate/],
    [tlsOf(write("bad.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), chainKey), "fail", /Certificate 1 of .* cannot be read/],
    [tlsOf(join(folder, "missing.pem"), chainKey), "fail", /ENOENT/],
    ["tls_disable = true", "warn", /TLS is off/],
  ];
  for (const [listener, status, text] of cases) {
    const whole = await run(t, { listener, storage });
    const finding = one(whole, "Check Listener TLS");
    assert.equal(finding.status, status, JSON.stringify(finding));
    assert.match([finding.message, ...(finding.warnings ?? [])].join(" "), text);
    if (status === "fail") assert.equal(whole.status, "fail");
  }
  const clients = (file: string) => tlsOf(certificateFile, keyFile, `tls_require_and_verify_client_cert = true\n  tls_client_ca_file = "${file}"`);
  assert.match(one(await run(t, { listener: clients(certificateFile), storage }), "Check Client Authorities").warnings![0]!, /no authority's certificate/);
  assert.match(one(await run(t, { listener: clients(write("none.pem", "")), storage }), "Check Client Authorities").message!, /holds no certificate/);
  assert.ok(!JSON.stringify(await run(t, { listener: tlsOf(certificateFile, chainKey), storage })).includes(readFileSync(chainKey, "utf8").split("\n")[1]!), "keys are not shown");
});

test("ports in use, folders out of reach, seals that do not work, and what is skipped", async (t) => {
  const folder = temporaryFolder(t);
  const taken = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => taken.once("listening", resolve));
  t.after(() => void taken.close());
  const { port } = taken.address() as { port: number };
  const listener = `tls_disable = true\n  cluster_address = "127.0.0.1:${port}"`;
  const seal = (key: string) => `seal "static" {\n  current_key_id = "1"\n  current_key = "${key}"\n}`;
  const bad = await run(t, { listener, storage: raftAt(join(folder, "new", "data")), more: `${seal("short")}\napi_addr = "https://0.0.0.0:8200"` });
  const inUse = one(bad, "Start Cluster Listener");
  assert.deepEqual([inUse.status, /in use/.test(inUse.message!), /-skip=listener/.test(inUse.Advice)], ["fail", true, true]);
  assert.match(one(bad, "Check Data Folder").message!, /is not there yet/);
  assert.equal(one(bad, "Check Seals").status, "fail");
  assert.match(one(bad, "Determine Redirect Address").warnings![0]!, /no other machine can use/);

  const good = await run(t, { listener: "tls_disable = true", storage: `storage "file" {\n  path = "${folder}/file"\n}`, more: seal("ab".repeat(32)) });
  assert.equal(one(good, "Check Autounseal Encryption static").status, "ok");
  mkdirSync(join(folder, "file"), { mode: 0o700 });
  assert.match(one(await run(t, { listener: "tls_disable = true", storage: `storage "file" {\n  path = "${folder}/file"\n}` }), "Create Storage Backend").message!, /no state yet/);
  writeFileSync(join(folder, "a-file"), "");
  assert.match(one(await run(t, { listener: "tls_disable = true", storage: raftAt(join(folder, "a-file")) }), "Check Data Folder").message!, /is no folder/);

  const skipped = await run(t, { listener, storage: raftAt(join(folder, "a-file")), more: seal("short") }, ["listener", "storage", "autounseal"]);
  for (const name of ["Start Listeners", "Check Storage", "Check Seals"]) assert.equal(one(skipped, name).status, "skip");
  const unread = await diagnose([join(folder, "missing.hcl")], []);
  assert.deepEqual([unread.status, unread.children!.map(({ name }) => name)], ["fail", ["Check Operating System", "Parse Configuration"]]);
});
