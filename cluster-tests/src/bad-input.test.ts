import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import test from "node:test";
import { startCluster } from "./harness/cluster.js";

/**
 * Bad input over HTTP to a real process, for every path and method of its own OpenAPI document. What the fields of engines take is
 * tried in memory (packages/engines/src/bad-input.test.ts); here it is the border, and sys/ on a real node.
 */
const SEGMENTS = ["..", ".", "%2e%2e", "%2E%2E%2Fsys", "..%2f..%2fsys%2fseal", "%00", "a%00b", "%0a", "%1b%5b31m", "%ff", "%c0%ae%c0%ae", "%", "%zz", "%5c..%5c", "a//b", "%2f%2f", "%E2%80%AE", "__proto__", "constructor", "x".repeat(3000), ";a=b", "*", "%23", "%3f"];
const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
const VALUES = ["true", "-1", "1.5", "1e308", "9007199254740993", '"NaN"', '""', '"\\u0000\\n"', '"\\ud800"', '"../../etc/passwd"', '"__proto__"', '"{{"', "[]", "{}", "[null]", '{"__proto__":{"a":1}}', nested(250), nested(5000), `"${"x".repeat(1024 * 1024)}"`];
const BODIES = ["{", "[]", "null", '"x"', "\u0000", '{"unknown":{"a":[]}}', nested(100_000), `{"a":${nested(100_000)}}`];
const HEADERS: readonly Readonly<Record<string, string>>[] = [
  { "X-Vault-Wrap-TTL": "NaN" }, { "X-Vault-Wrap-TTL": "-1s" }, { "X-Vault-Wrap-TTL": "9999999999999999999h" }, { "X-Vault-MFA": ":" }, { "X-Vault-MFA": "a:b\t" }, { "X-Vault-Index": "!!" }, { "X-Vault-Index": "e30=" },
  { "X-Vault-Namespace": "../x" }, { "X-Vault-Token": "x".repeat(8000) }, { "X-Vault-Token": "hvs.\u00ff" }, { "X-Forwarded-For": "nobody, ,," }, { "Content-Type": "application/xml" }, { "Content-Type": "application/x-www-form-urlencoded" }, { Origin: "http://[" },
];
const QUERIES = ["list=x", "help=%00", "scan=true&list=true", "%ff=%ff", "__proto__=1", "after=%00&limit=-1", "limit=NaN", "version=-1", "version=1e99"];
/** They end or outlast the test: the node seals, hands over, streams its log, measures itself, or answers nothing but 429. */
const NOT_ASKED = /^\/(sys\/(seal|step-down|monitor|pprof\/.*|quotas\/rate-limit\/.*)|auth\/token\/revoke-self)$/;
const INSIDE = /\bat \S+ \(|node:internal|node_modules|\/(?:dist|src|packages)\/|\.js:\d+|TypeError|RangeError|SyntaxError|Cannot read propert|is not a function|\[object Object\]/;
/** Long enough for an RSA key on a busy machine. */
const TIMEOUT_MS = 60_000;
/** Of the lists above, for each parameter, operation and field: others for each path. */
const EACH = 3;
/** sys/health tells its state by its status. */
const TELLS_BY_STATUS = "/sys/health";

interface Item {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly post?: { readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: { readonly properties?: object } }>> } };
  readonly [method: string]: unknown;
}

interface Answer {
  readonly status: number;
  readonly index: string;
  readonly text: string;
}

test("bad input over HTTP: refused, without a word of our insides and without a change, by a node that goes on", async (t) => {
  const cluster = await startCluster({ nodes: 1 });
  t.after(() => cluster.stop());
  const [node] = cluster.nodes;
  const { hostname, port } = new URL(node!.address);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());

  function ask(method: string, path: string, body?: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request({ agent, hostname, port, method, path: `/v1${path}`, headers: { "X-Vault-Token": cluster.rootToken, ...(body !== undefined && { "Content-Length": String(Buffer.byteLength(body)) }), ...headers } }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode!, index: String(response.headers["x-vault-index"] ?? ""), text: Buffer.concat(chunks).toString() }));
      });
      sent.setTimeout(TIMEOUT_MS, () => sent.destroy(new Error("no answer in time")));
      sent.on("error", reject);
      sent.end(body);
    });
  }

  const applied = async () => (await ask("GET", "/sys/policies/acl/default")).index;
  const findings: string[] = [];
  let asked = 0;
  let turn = 0;
  let before = await applied();
  async function attempt(method: string, path: string, body?: string, headers?: Readonly<Record<string, string>>): Promise<void> {
    asked += 1;
    const where = `${method} ${path.slice(0, 150)} ${(body ?? "").slice(0, 150)} ${JSON.stringify(headers ?? {}).slice(0, 100)}`;
    try {
      const { status, text } = await ask(method, path, body, headers);
      if (status >= 500 && !path.startsWith(TELLS_BY_STATUS)) findings.push(`${where}: ${status} ${text.slice(0, 300)}`);
      if (status >= 400 && INSIDE.test(text)) findings.push(`${where}: tells of our insides: ${text.slice(0, 300)}`);
      // The node may have written something of its own meanwhile: then it does not the second time.
      const after = await applied();
      if (status >= 400 && after !== before) {
        const { status: same } = await ask(method, path, body, headers);
        if (same >= 400 && (await applied()) !== after) findings.push(`${where}: ${status}, and something was written`);
      }
      before = status >= 400 && after === before ? after : await applied();
    } catch (error) {
      findings.push(`${where}: ${String(error)}`);
    }
  }

  for (const [path, type] of [["kv1", "kv"], ["pki", "pki"], ["transit", "transit"], ["ssh", "ssh"], ["totp", "totp"], ["database", "database"], ["aws", "aws"]]) assert.equal((await ask("POST", `/sys/mounts/${path}`, JSON.stringify({ type }))).status, 204);
  for (const type of ["approle", "aws", "cert", "github", "jwt", "kubernetes", "ldap", "oidc", "userpass"]) assert.equal((await ask("POST", `/sys/auth/${type}`, JSON.stringify({ type }))).status, 204);
  const { paths } = JSON.parse((await ask("GET", "/sys/internal/specs/openapi")).text) as { readonly paths: Readonly<Record<string, Item>> };
  assert.ok(Object.keys(paths).length > 400);

  for (const [template, item] of Object.entries(paths)) {
    if (NOT_ASKED.test(template)) continue;
    const methods = ["get", "post", "delete", "patch"].filter((method) => item[method] !== undefined).map((method) => method.toUpperCase());
    const plain = template.replace(/\{\w+\}/g, "sample");
    const parameters = [...template.matchAll(/\{\w+\}/g)].map(([text]) => text);
    const body = (method: string) => (method === "POST" || method === "PATCH" ? "{}" : undefined);
    for (const parameter of parameters) {
      for (let i = 0; i < EACH; i++, turn++) {
        const segment = SEGMENTS[turn % SEGMENTS.length]!;
        const method = methods[turn % methods.length]!;
        await attempt(method, template.split(parameter).join(segment).replace(/\{\w+\}/g, "sample"), body(method));
      }
    }
    for (const method of methods) for (let i = 0; i < EACH && body(method); i++, turn++) await attempt(method, plain, BODIES[turn % BODIES.length]);
    if (!template.startsWith("/sys/")) continue;
    for (const schema of Object.values(item.post?.requestBody?.content ?? {})) {
      for (const name of Object.keys(schema.schema.properties ?? {})) for (let i = 0; i < EACH; i++, turn++) await attempt("POST", plain, `{${JSON.stringify(name)}:${VALUES[turn % VALUES.length]}}`);
    }
  }
  for (const headers of HEADERS) for (const [method, path, text] of [["GET", "/secret/data/a"], ["POST", "/secret/data/a", '{"data":{}}'], ["POST", "/sys/policies/acl/a", "{}"], ["GET", "/sys/mounts"]] as const) await attempt(method, path, text, headers);
  for (const query of QUERIES) for (const path of ["/secret/data/a", "/secret/metadata/", "/sys/mounts", "/sys/policies/acl", "/identity/entity/id"]) await attempt("GET", `${path}?${query}`);

  t.diagnostic(`${asked} requests`);
  assert.deepEqual(findings.slice(0, 20), [], `${findings.length} findings`);
  const health = await ask("GET", "/sys/health");
  assert.equal(health.status, 200, health.text);
  assert.doesNotMatch(node!.log(), /"level":"error"|\[ERROR\]/);
});
