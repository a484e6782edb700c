import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseDocument } from "../framework/document.js";
import type { AnyPath, Caller, Codec, Engine, EngineRequest, MountEntry, OperationName, Response, WriteMount, WriteStorage } from "../framework/index.js";
import { buildInput, compileEngine } from "../framework/index.js";
import { RequestError } from "../errors.js";
import { policyStore, systemEngine } from "./index.js";
import type { SystemServices } from "./index.js";
import { autopilotState } from "./path-autopilot.js";

const compiled = compileEngine(systemEngine as unknown as Engine);
const CALLER: Caller = { accessor: "a", displayName: "root", policies: ["root"], entityId: "", metadata: {}, isRoot: true, tokenType: "service", tokenId: "t" };

function memoryStorage(): WriteStorage & { readonly entries: Map<string, Uint8Array> } {
  const entries = new Map<string, Uint8Array>();
  const below = (prefix: string) => [...entries.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length)).sort();
  return {
    entries,
    get: <T>(key: string, codec: Codec<T>) => {
      const bytes = entries.get(key);
      return bytes && codec.decode(bytes);
    },
    list: async (prefix) => [...new Set(below(prefix).map((key) => key.replace(/\/.*$/, "/")))],
    keys: async (prefix) => below(prefix),
    put: (key, codec, value) => void entries.set(key, codec.encode(value)),
    delete: (key) => void entries.delete(key),
  };
}

interface Node { initialized: boolean; sealed: boolean; leader: boolean; unsealed: string[] }

function services(node: Node): SystemServices {
  const status = () => ({ type: "shamir", initialized: node.initialized, sealed: node.sealed, threshold: 2, shares: 3, progress: node.unsealed.length, nonce: "", recoverySeal: false, storageType: "raft" });
  const secret: MountEntry = {
    uuid: "u", table: "secret", path: "secret/", type: "kv", description: "", accessor: "kv_1", local: false, seal_wrap: false,
    external_entropy_access: false, options: { version: "2" }, config: { default_lease_ttl: 0, max_lease_ttl: 0, force_no_cache: false },
  };
  const parts = {
    seal: {
      backends: () => [],
      status,
      init: async ({ secretShares }: { secretShares: number }) => {
        if (node.initialized) throw new RequestError("invalid_request", "Vault is already initialized");
        return { keys: Array.from({ length: secretShares }, (_, at) => Uint8Array.of(at, 255)), rootToken: "s.root" };
      },
      unseal: async (share: Uint8Array) => {
        node.unsealed.push(Buffer.from(share).toString("hex"));
        return status();
      },
      resetUnseal: () => {
        node.unsealed = [];
        return status();
      },
    },
    cluster: {
      leadership: () => ({ haEnabled: true, isLeader: node.leader, leaderId: "n1", term: 1, activeApiAddress: "https://active:8200", activeClusterAddress: "https://active:8201", activeSince: "" }),
      diskFault: () => undefined,
      committedIndex: () => 7,
      appliedIndex: () => 6,
    },
    node: { version: "1.20.0", buildDate: "", clusterName: () => "c", clusterId: () => "id" },
    rooms: {
      mounts: {
        list: () => [secret],
        get: (_: unknown, table: string, path: string) => (table === "secret" && path === "secret/" ? secret : undefined),
        owner: (_: unknown, path: string) => (path.startsWith("secret/") ? secret : undefined),
        effectiveTtls: () => ({ defaultSeconds: 2764800, maxSeconds: 2764800 }),
      },
      access: { mayReach: (_: unknown, caller: Caller) => caller.isRoot, capabilities: () => ["root"], bearer: () => undefined },
      leases: { lookup: () => undefined, irrevocable: () => [] },
      wrapping: { lookup: () => undefined, unwrap: () => undefined, rewrap: () => undefined },
    },
  };
  // Only what these tests reach; anything else fails loudly as undefined.
  return parts as unknown as SystemServices;
}

function system(node: Partial<Node> = {}) {
  const state: Node = { initialized: true, sealed: false, leader: true, unsealed: [], ...node };
  const storage = memoryStorage();
  const env = { now: () => 1_700_000_000_000, randomBytes: (length: number) => new Uint8Array(length).fill(7), uuid: () => "uuid" };
  const mount = { env, services: services(state) } as WriteMount<SystemServices>;
  async function ask(operation: OperationName, path: string, values: Record<string, unknown> = {}, caller: Caller | undefined = CALLER): Promise<Response | undefined> {
    const match = compiled.match(path, operation === "list");
    assert.ok(match, `no path ${path}`);
    const declared = (match.declaration as AnyPath).operations[operation];
    assert.ok(declared, `no ${operation} on ${path}`);
    const built = buildInput(match, values, operation === "update");
    const request = { operation, path, input: built.input, given: built.given, body: values, caller, headers: {}, wrapTtlSeconds: 0, stream: undefined } as unknown as EngineRequest<never>;
    return declared.handler(request, storage, mount);
  }
  return { ask, mount, state, storage };
}

const bodyOf = (response: Response | undefined) => (response?.kind === "plain" ? response.body : response?.kind === "envelope" ? response.data : undefined) as Record<string, unknown>;
const refuses = (promise: Promise<unknown>, text: string | RegExp) =>
  assert.rejects(promise, (error: unknown) => error instanceof RequestError && error.status < 500 && (typeof text === "string" ? error.messages.join() === text : text.test(error.messages.join())));

test("every path is described and routable", () => {
  for (const path of systemEngine.paths) {
    assert.ok(path.help.synopsis && path.help.description, `${path.template} has no help`);
    for (const [name, field] of Object.entries(path.fields as Record<string, { description: string }>)) assert.ok(field.description, `${path.template}: ${name}`);
    for (const [, name] of path.template.matchAll(/\{(\w+)/g)) assert.ok(name! in path.fields, `${path.template}: {${name}} is no field`);
    assert.ok(Object.keys(path.operations).length > 0);
    const match = compiled.match(path.template.replace(/\{\w+(\.\.\.)?\}/g, "x1"), false);
    assert.equal(match?.declaration, path, `${path.template} is shadowed`);
  }
});

const matches = (patterns: readonly string[], path: string) => patterns.some((pattern) => (pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : path === pattern));

test("exactly the documented paths need no token", () => {
  const documented = [
    "wrapping/lookup", "wrapping/pubkey", "replication/status", "replication/performance/status", "replication/dr/status", "internal/specs/openapi", "internal/ui/mounts", "internal/ui/mounts/*", "storage/raft/bootstrap/challenge",
    "storage/raft/bootstrap/answer", "init", "seal-status", "seal-backend-status", "unseal", "leader", "health", "decode-token", "mfa/validate",
    "generate-root", "generate-root/*", "rekey/init", "rekey/update", "rekey/verify", "rekey-recovery-key/*",
    // Asked of a node that has no tokens yet.
    "storage/raft/join",
  ];
  for (const { template, operations } of systemEngine.paths)
    for (const [name, operation] of Object.entries(operations)) assert.equal(operation!.access === "none", matches(documented, template), `${name} ${template}`);
});

test("exactly the documented paths need sudo", () => {
  const documented = [
    "auth/*", "remount", "audit", "audit/*", "rotate", "rotate/keyring", "rotate/root", "config/cors", "config/auditing/*", "config/ui/headers/*", "plugins/catalog/*", "revoke-prefix/*", "revoke-force/*",
    "leases/revoke-prefix/*", "leases/revoke-force/*", "leases/lookup/*", "leases", "seal", "step-down", "pprof", "pprof/*", "internal/inspect/*", "internal/counters/activity/export",
  ];
  for (const { template, operations } of systemEngine.paths)
    for (const [name, operation] of Object.entries(operations)) {
      const asked = name === "list" ? `${template}/` : template;
      assert.equal(operation!.access === "sudo", matches(documented, asked), `${name} ${template}`);
    }
});

test("only status and start-up paths run while sealed, and on the node that was asked", () => {
  const open: string[] = [];
  for (const { template, operations } of systemEngine.paths)
    for (const [name, operation] of Object.entries(operations)) {
      if (!operation!.whileSealed) continue;
      assert.ok(operation!.thisNode && operation!.access === "none");
      open.push(`${name} ${template}`);
    }
  assert.deepEqual(open.sort(), ["read health", "read init", "read seal-backend-status", "read seal-status", "update init", "update storage/raft/join", "update unseal"]);
});

test("health: code by state, and overrides", async () => {
  const status = async (node: Partial<Node>, query: Record<string, unknown> = {}) => ((await system(node).ask("read", "health", query)) as { status: number }).status;
  assert.equal(await status({}), 200);
  assert.equal(await status({ leader: false }), 429);
  assert.equal(await status({ leader: false }, { standbyok: "" }), 200);
  assert.equal(await status({ leader: false }, { standbyok: "true", activecode: "299" }), 299);
  assert.equal(await status({ sealed: true, leader: false }), 503);
  assert.equal(await status({ sealed: true, initialized: false }), 501);
  assert.equal(await status({ sealed: true, initialized: false }, { uninitcode: "299" }), 299);
  for (const bad of ["abc", "99999", "100", "-1", ""]) await refuses(status({}, { sealedcode: bad }), "");
  const sealed = bodyOf(await system({ sealed: true }).ask("read", "health"));
  assert.equal(sealed["standby"], true);
  assert.equal(sealed["cluster_id"], undefined);
  assert.equal(sealed["replication_dr_mode"], "unknown");
});

test("init checks its numbers before it asks the seal", async () => {
  const { ask } = system({ initialized: false, sealed: true });
  const refused = (values: Record<string, unknown>, why: string) => refuses(ask("update", "init", values), `invalid seal configuration: ${why}`);
  await refused({}, "shares must be at least one");
  await refused({ secret_shares: 1 }, "threshold must be at least one");
  await refused({ secret_shares: 3, secret_threshold: 1 }, "threshold must be greater than one for multiple shares");
  await refused({ secret_shares: 256, secret_threshold: 2 }, "shares must be less than 256");
  await refused({ secret_shares: 2, secret_threshold: 3 }, "threshold cannot be larger than shares");
  await refuses(ask("update", "init", { secret_shares: 1, secret_threshold: 1, pgp_keys: ["k", "k"] }), "invalid seal configuration: count mismatch between number of provided PGP keys and number of shares");
  await refuses(ask("update", "init", { secret_shares: 1, secret_threshold: 1, recovery_shares: 1 }), "parameters recovery_shares not applicable to seal type shamir");
  const made = bodyOf(await ask("update", "init", { secret_shares: 3, secret_threshold: 2 }));
  assert.deepEqual(made, { keys: ["00ff", "01ff", "02ff"], keys_base64: ["AP8=", "Af8=", "Av8="], root_token: "s.root" });
});

test("unseal takes hex and base64, and refuses the rest", async () => {
  const { ask, state } = system({ sealed: true });
  await ask("update", "unseal", { key: "00ff" });
  assert.equal(bodyOf(await ask("update", "unseal", { key: "AP8=" }))["progress"], 2);
  assert.deepEqual(state.unsealed, ["00ff", "00ff"]);
  await refuses(ask("update", "unseal", {}), "'key' must be specified in request body as JSON, or 'reset' set to true");
  await refuses(ask("update", "unseal", { key: "zz" }), "'key' must be a valid hex or base64 string");
  assert.equal(bodyOf(await ask("update", "unseal", { reset: true }))["progress"], 0);
  await refuses(system().ask("update", "unseal", { reset: true }), "vault is unsealed");
});

test("preflight tells a missing mount and a forbidden one alike", async () => {
  const { ask } = system();
  const text = (path: string) => `preflight capability check returned 403, please ensure client's policies grant access to path "${path}/"`;
  assert.equal(bodyOf(await ask("read", "internal/ui/mounts/secret/foo"))["path"], "secret/");
  await refuses(ask("read", "internal/ui/mounts/nope/foo"), text("nope/foo"));
  await refuses(ask("read", "internal/ui/mounts/secret/foo", {}, { ...CALLER, isRoot: false }), text("secret/foo"));
  assert.deepEqual(bodyOf(await ask("read", "internal/ui/mounts", {}, { ...CALLER, isRoot: false })), { auth: {}, secret: {} });
});

test("mounts: misses and bad settings are worded as clients expect", async () => {
  const { ask } = system();
  await refuses(ask("read", "mounts/nope"), "No secret engine mount at nope/");
  await refuses(ask("read", "auth/nope"), "No auth engine at nope/");
  await refuses(ask("read", "auth/nope/tune"), 'cannot fetch sysview for path "auth/nope/"');
  await refuses(ask("update", "mounts/x", {}), "backend type must be specified as a string");
  await refuses(ask("update", "mounts/x", { type: "kv", config: { listing_visibility: "foo" } }), "invalid listing_visibility foo");
  await refuses(ask("update", "mounts/x", { type: "kv", config: { default_lease_ttl: "bogus" } }), /^unable to parse default TTL of "bogus": time: invalid duration/);
  const tooLong = '{ "type": "kv", "config": { "max_lease_ttl": 99999999999999999999 } }';
  await refuses(ask("update", "mounts/x", parseDocument(tooLong) as Record<string, unknown>), "unable to parse max TTL of 99999999999999999999: time: invalid duration 99999999999999999999");
  await refuses(ask("update", "rotate/config", parseDocument('{ "max_operations": 99999999999999999999 }') as Record<string, unknown>), /max_operations": cannot parse 99999999999999999999 as int$/);
  assert.equal(bodyOf(await ask("read", "mounts/secret/tune"))["max_lease_ttl"], 2764800);
});

test("policies, leases, wrapping and capabilities refuse as clients expect", async () => {
  const { ask } = system();
  await refuses(ask("update", "policies/acl/x", {}), "'policy' parameter not supplied or empty");
  await refuses(ask("delete", "policy/default"), "cannot delete default policy");
  await refuses(ask("delete", "policies/acl/ROOT"), 'cannot delete "root" policy');
  await refuses(ask("update", "leases/lookup", {}), "lease_id must be specified");
  await refuses(ask("update", "leases/lookup", { lease_id: "nope" }), "invalid lease");
  assert.deepEqual(bodyOf(await ask("read", "leases/count", { type: "irrevocable" })), { lease_count: 0, counts: {} });
  await refuses(ask("update", "wrapping/wrap", { a: 1 }), "endpoint requires response wrapping to be used");
  for (const path of ["lookup", "unwrap", "rewrap"]) await refuses(ask("update", `wrapping/${path}`, { token: "nope" }), "wrapping token is not valid or does not exist");
  await refuses(ask("update", "capabilities-self", {}), "paths must be supplied");
  await refuses(ask("update", "capabilities", { token: "nope", paths: "a" }), "1 error occurred:\n\t* invalid token\n\n");
  assert.deepEqual(bodyOf(await ask("update", "capabilities-self", { path: "a" })), { a: ["root"], capabilities: ["root"] });
});

test("tools: forms of the path, limits and known sums", async () => {
  const { ask } = system();
  const bytes = async (path: string, values = {}) => Buffer.from(bodyOf(await ask("update", path, values))["random_bytes"] as string, "base64").length;
  assert.equal(await bytes("tools/random"), 32);
  assert.equal(await bytes("tools/random/5"), 5);
  assert.equal(await bytes("tools/random/platform"), 32);
  assert.equal(await bytes("tools/random/platform/3"), 3);
  await refuses(ask("update", "tools/random/0"), "'bytes' cannot be less than 1");
  await refuses(ask("update", "tools/random/999999999"), "'bytes' should be less than 131072");
  await refuses(ask("update", "tools/random", { format: "nope" }), 'unsupported encoding format "nope"; must be "hex" or "base64"');
  assert.equal(bodyOf(await ask("update", "tools/hash", { input: "aGk=" }))["sum"], "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4");
  await refuses(ask("update", "tools/hash/md5", { input: "aGk=" }), "unsupported algorithm md5");
});

test("settings are kept as written, and bad ones change nothing", async () => {
  const { ask, storage } = system();
  await refuses(ask("update", "config/cors", {}), "at least one origin or the wildcard must be provided");
  await refuses(ask("update", "config/cors", { allowed_origins: "*,http://a" }), "to allow all origins the '*' must be the only value for allowed_origins");
  await refuses(ask("update", "config/ui/headers/X-Vault-A", { values: ["b"] }), "X-Vault headers cannot be set");
  for (const header of ["a\r\nX-B: c", "a b", "\u00e9", "x".repeat(129)]) await refuses(ask("update", "config/cors", { allowed_origins: "http://a", allowed_headers: ["X-A", header] }), `invalid header name ${JSON.stringify(header)} in allowed_headers`);
  for (const value of ["b\r\nSet-Cookie: c", "\u4f60"]) await refuses(ask("update", "config/ui/headers/X-A", { values: [value] }), "header values must not hold control characters, nor any beyond Latin-1");
  await refuses(ask("update", "config/auditing/request-headers/..%2fx", {}), "invalid header name");
  await refuses(ask("update", "storage/raft/autopilot/configuration", { cleanup_dead_servers: true }), /^min_quorum must be set/);
  assert.equal(storage.entries.size, 0);
  await ask("update", "config/cors", { allowed_origins: "http://a", allowed_headers: "X-B" });
  assert.deepEqual(bodyOf(await ask("read", "config/cors"))["allowed_origins"], ["http://a"]);
  await ask("delete", "config/cors");
  assert.deepEqual(bodyOf(await ask("read", "config/cors")), { enabled: false });
  await ask("update", "config/ui/headers/X-A", { values: ["b"] });
  assert.deepEqual(bodyOf(await ask("list", "config/ui/headers")), { keys: ["X-A"] });
  await ask("update", "config/auditing/request-headers/X-F", { hmac: true });
  assert.deepEqual(bodyOf(await ask("read", "config/auditing/request-headers")), { headers: { "x-f": { hmac: true } } });
  await ask("update", "storage/raft/autopilot/configuration", { last_contact_threshold: "30s" });
  assert.equal(bodyOf(await ask("read", "storage/raft/autopilot/configuration"))["last_contact_threshold"], "30s");
  assert.equal(bodyOf(await ask("read", "storage/raft/autopilot/configuration"))["dead_server_last_contact_threshold"], "24h0m0s");
});

test("autopilot's state has Vault's members, and leaves out what Vault leaves out", () => {
  const server = (id: string, more = {}) => ({ id, clusterAddress: `${id}:1`, voter: true, leader: false, forVote: true, alive: true, healthy: true, lastContactMs: 0, lastTerm: 2, lastIndex: 5000, stableSince: 0, version: "1.2.3", ...more });
  const report = { healthy: false, failureTolerance: 1, servers: [server("a", { leader: true }), server("b", { lastContactMs: 812.4 }), server("c", { voter: false, healthy: false, alive: false, lastContactMs: 61_250 }), server("d", { voter: false, forVote: false, version: "" })] };
  const state = autopilotState(report) as { servers: Record<string, Record<string, unknown>> };
  assert.deepEqual({ ...state, servers: Object.keys(state.servers) }, { healthy: false, failure_tolerance: 1, optimistic_failure_tolerance: 1, leader: "a", voters: ["a", "b"], non_voters: ["c", "d"], servers: ["a", "b", "c", "d"] });
  assert.deepEqual(state.servers["a"], {
    id: "a", name: "a", address: "a:1", node_status: "alive", last_contact: "0s", last_term: 2, last_index: 5000, healthy: true, stable_since: "1970-01-01T00:00:00.000Z",
    status: "leader", version: "1.2.3", upgrade_version: "1.2.3", node_type: "voter", meta: null,
  });
  const seen = ({ status, node_type, node_status, last_contact }: Record<string, unknown>) => [status, node_type, node_status, last_contact];
  assert.deepEqual(["b", "c", "d"].map((id) => seen(state.servers[id]!)), [["voter", "voter", "alive", "812ms"], ["non-voter", "voter", "left", "1m1.25s"], ["non-voter", "non-voter", "alive", "0s"]]);
  assert.ok(!("non_voters" in autopilotState({ ...report, servers: [server("a")] })));
});

test("policies are kept by the policy room: clear or base64 in, the same text out", async () => {
  const { ask, mount } = system();
  Object.assign(mount.services.rooms, { policies: policyStore });
  const text = 'path "a" { capabilities = ["read"] }';
  assert.deepEqual((await ask("update", "policies/acl/X", { policy: text }) as { warnings?: unknown }).warnings, ["policy name was converted to x"]);
  assert.deepEqual(bodyOf(await ask("read", "policies/acl/x")), { name: "x", policy: text });
  await ask("update", "policy/b", { policy: Buffer.from(text).toString("base64") });
  assert.deepEqual(bodyOf(await ask("read", "policy/b")), { name: "b", rules: text });
  assert.deepEqual((bodyOf(await ask("list", "policies/acl"))["keys"] as string[]).sort(), ["b", "root", "x"]);
  await refuses(ask("update", "policies/acl/bad", { policy: "zz" }), /./);
  assert.equal(await ask("read", "policies/acl/bad"), undefined);
  await ask("delete", "policy/b");
  assert.equal(await ask("read", "policy/b"), undefined);
});

test("bad input to what sys/ decides by itself is refused cleanly and writes nothing", async () => {
  const own = /^(tools\/|decode-token|init|unseal|health|config\/(cors|ui|auditing)|storage\/raft\/autopilot\/configuration)/;
  const hostile = fc.oneof(fc.jsonValue(), fc.constantFrom("", "../..", "\u0000", "a\r\nb", "__proto__", "-1", "1e999", "9".repeat(400), Number.MAX_VALUE, -1, "𝕏"), fc.string({ unit: "binary" }));
  const targets = systemEngine.paths.filter((path) => own.test(path.template)).flatMap((path) => Object.keys(path.operations).map((operation) => ({ path, operation: operation as OperationName })));
  assert.ok(targets.length > 15);
  const arbitrary = fc.constantFrom(...targets).chain(({ path, operation }) =>
    fc.record({ path: fc.constant(path), operation: fc.constant(operation), values: fc.dictionary(fc.constantFrom(...Object.keys(path.fields as object), "other"), hostile) }));
  await fc.assert(fc.asyncProperty(arbitrary, async ({ path, operation, values }) => {
    const { ask, storage } = system({ sealed: true });
    const at = path.template.replace(/\{(\w+)(\.\.\.)?\}/g, (_, name: string) => String(values[name] ?? "x").replaceAll("/", "") || "x");
    try {
      await ask(operation, at, values);
    } catch (error) {
      assert.ok(error instanceof RequestError && error.status >= 400 && error.status < 500, `${operation} ${at}: ${String(error)}`);
      assert.equal(storage.entries.size, 0);
    }
  }), { numRuns: 2000, seed: 1 });
});
