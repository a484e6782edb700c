import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { buildChains } from "./chain.js";
import { parseCertificate } from "./certificates.js";
import type { Certificate } from "./certificates.js";

const folder = mkdtempSync(join(tmpdir(), "coffer-names-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
let count = 0;

/** A CA with these constraints and a client's certificate of it, made and judged by OpenSSL. */
function pair(constraints: string, subject: string, names: string): { readonly ca: Certificate; readonly client: Certificate; readonly openssl: boolean } {
  const name = `n${count++}`;
  const file = (end: string) => `${name}.${end}`;
  openssl("req", "-x509", ...KEY, "-days", "2", "-subj", "/O=Example/CN=CA", "-addext", `nameConstraints=critical,${constraints}`, "-keyout", file("ca.key"), "-out", file("ca.pem"));
  openssl("req", "-new", ...KEY, "-subj", subject, "-keyout", file("key"), "-out", file("csr"));
  writeFileSync(join(folder, file("ext")), `extendedKeyUsage=clientAuth\n${names === "" ? "" : `subjectAltName=${names}\n`}`);
  openssl("x509", "-req", "-in", file("csr"), "-CA", file("ca.pem"), "-CAkey", file("ca.key"), "-days", "1", "-extfile", file("ext"), "-out", file("pem"));
  let isGood = true;
  try {
    openssl("verify", "-CAfile", file("ca.pem"), file("pem"));
  } catch {
    isGood = false;
  }
  const read = (end: string) => parseCertificate(readFileSync(join(folder, file(end))))!;
  return { ca: read("ca.pem"), client: read("pem"), openssl: isGood };
}

test("names are permitted and excluded as OpenSSL does", () => {
  const cases: readonly (readonly [constraints: string, subject: string, names: string, permitted: boolean])[] = [
    ["permitted;DNS:example.org", "/CN=x", "DNS:a.example.org", true],
    ["permitted;DNS:example.org", "/CN=x", "DNS:EXAMPLE.org", true],
    ["permitted;DNS:example.org", "/CN=x", "DNS:badexample.org", false],
    ["permitted;DNS:example.org", "/CN=x", "DNS:a.example.org,DNS:evil.test", false],
    ["permitted;DNS:.example.org", "/CN=x", "DNS:a.example.org", true],
    ["excluded;DNS:example.org", "/CN=x", "DNS:a.example.org", false],
    ["excluded;DNS:example.org", "/CN=x", "DNS:other.test", true],
    ["permitted;DNS:example.org", "/CN=evil.test", "", false],
    ["permitted;DNS:example.org", "/CN=a.example.org", "", true],
    ["permitted;DNS:example.org", "/CN=someone", "email:me@evil.test", true],
    ["permitted;email:example.org", "/CN=x", "email:me@example.org", true],
    ["permitted;email:example.org", "/CN=x", "email:me@sub.example.org", false],
    ["permitted;email:.example.org", "/CN=x", "email:me@sub.example.org", true],
    ["permitted;email:me@example.org", "/CN=x", "email:you@example.org", false],
    ["excluded;email:example.org", "/CN=x/emailAddress=me@example.org", "", false],
    ["permitted;URI:example.org", "/CN=x", "URI:https://example.org/a", true],
    ["permitted;URI:example.org", "/CN=x", "URI:https://evil.test/example.org", false],
    ["permitted;URI:.example.org", "/CN=x", "URI:https://a.example.org/", true],
    ["permitted;IP:192.0.2.0/255.255.255.0", "/CN=x", "IP:192.0.2.7", true],
    ["permitted;IP:192.0.2.0/255.255.255.0", "/CN=x", "IP:192.0.3.7", false],
    ["excluded;IP:2001:db8:0:0:0:0:0:0/ffff:ffff:0:0:0:0:0:0", "/CN=x", "IP:2001:db8::1", false],
    ["excluded;IP:2001:db8:0:0:0:0:0:0/ffff:ffff:0:0:0:0:0:0", "/CN=x", "IP:2001:db9::1", true],
  ];
  for (const [constraints, subject, names, permitted] of cases) {
    const { ca, client, openssl: judged } = pair(constraints, subject, names);
    const what = `${constraints} | ${subject} | ${names}`;
    assert.equal(judged, permitted, `${what}: by OpenSSL`);
    const result = buildChains(client, [], [ca], Date.now());
    assert.equal("chains" in result && result.chains.length > 0, permitted, `${what}: ${JSON.stringify("problem" in result && result.problem)}`);
  }
});
