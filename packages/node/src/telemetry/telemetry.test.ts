import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { RequestError } from "@coffer/state-machine";
import type { RaftStatus } from "@coffer/raft";
import type { ApiRequest } from "@coffer/state-machine";
import { MAX_ROUTES } from "./routes.js";
import { createTelemetry } from "./telemetry.js";
import type { Telemetry, TelemetryOptions } from "./types.js";

const LEADER: RaftStatus = {
  id: "a", role: "leader", leader: "a", leaderAddress: "a:8201", term: 3,
  commitIndex: 100, appliedIndex: 98, lastIndex: 101, firstIndex: 11, configurationIndex: 1,
  configuration: { servers: [{ id: "a", address: "a:8201", voter: true }, { id: "b", address: "b:8201", voter: true }, { id: "c", address: "c:8201", voter: true }] },
  servers: [
    { id: "a", address: "a:8201", voter: true, leader: true, matchIndex: 101, lastTerm: 3, lastContactMs: 0 },
    { id: "b", address: "b:8201", voter: true, leader: false, matchIndex: 90, lastTerm: 3, lastContactMs: 40, replication: { appendMsSum: 21, appendCount: 7, appendMessages: 8, appendEntries: 16, heartbeatMsSum: 3, heartbeatCount: 6 } },
    { id: "c", address: "c:8201", voter: true, leader: false, matchIndex: 98, lastTerm: 3, lastContactMs: 20_000 },
  ],
};
const FOLLOWER: RaftStatus = { ...LEADER, id: "b", role: "follower", servers: LEADER.servers.map(({ replication: _, ...server }) => ({ ...server, lastContactMs: undefined })) };
const MEASURES = {
  elections: 2, leadershipsWon: 1, appendBatches: 10, appendedEntries: 90, fsyncMsSum: 8, fsyncCount: 11, applyMsSum: 4, applyCount: 90, commitMsSum: 60, commitCount: 80,
  messagesSent: 7, messagesReceived: 6, snapshotsSent: 1, snapshotsInstalled: 0, compactions: 3, pendingProposals: 5, pendingBytes: 500,
  applyGroups: 30, lastApplyEntries: 3, lastAppendEntries: 4, compactMsSum: 2, flushMsSum: 9, snapshotInstallMsSum: 0, snapshotSendMsSum: 700, snapshotSendCount: 1, readRounds: 12, electionsTimeout: 1, electionsTransfer: 2,
  quorumsLost: 1, leadershipsLost: 2, proposedBytes: 8000, proposedCount: 80, appendMessageEntries: 160, appendMessages: 40, proposalsRefused: 0, diskStalls: 3, queuedBytes: 17, unwrittenEntries: 2, logBytes: 9000, sentBytes: 123_456, heartbeatsSent: 99, snapshotResumes: 1,
  barriers: 21, voteMsSum: 5, voteCount: 2, preVoteMsSum: 6, preVoteCount: 3, answeredAppendMsSum: 44, answeredAppendCount: 11, answeredHeartbeatMsSum: 1, answeredHeartbeatCount: 4, answeredVoteMsSum: 8, answeredVoteCount: 1,
  snapshotOpenMsSum: 3, snapshotOpenCount: 2, lastInstallMs: 0, oldestLogAgeMs: 60_000, machineMsSum: 1500, elapsedMs: 20_400, loopActiveMs: 5000, loopElapsedMs: 20_300,
};
const OPTIONS: TelemetryOptions = {
  configuration: { prometheusRetention: 3600, disableHostname: false, enableHostnameLabel: false },
  hostname: "node-1",
  clusterName: () => "vault-cluster-1",
  state: () => ({ sealed: false, active: true }),
  raft: async () => ({ status: LEADER, metrics: MEASURES }),
  audit: () => ({ requests: 4, failures: 1 }),
  counts: async () => ({ leases: 9, irrevocableLeases: 1, tokens: 12, tokensByPolicy: { default: 11, root: 1 }, entities: 2, mounts: { secret: 3, auth: 2 }, kvSecrets: [{ mountPoint: "secret/", count: 5 }] }),
  inFlight: () => 2,
  storage: () => ({ get: 11, put: 7, delete: 2, list: 3, commits: 5, commitMilliseconds: 12.5 }),
};
const REQUEST = {} as ApiRequest;

let running: Telemetry[] = [];
function start(change: Partial<TelemetryOptions> = {}): Telemetry {
  const telemetry = createTelemetry({ ...OPTIONS, ...change });
  running.push(telemetry);
  return telemetry;
}
function settings(change: Partial<TelemetryOptions["configuration"]>): Pick<TelemetryOptions, "configuration"> {
  return { configuration: { ...OPTIONS.configuration, ...change } };
}
afterEach(() => {
  for (const telemetry of running) telemetry.stop();
  running = [];
});

interface Exposition {
  readonly types: ReadonlyMap<string, string>;
  readonly help: ReadonlyMap<string, string>;
  /** By name and labels, labels sorted. */
  readonly values: ReadonlyMap<string, number>;
}

/** Reads the text format as Prometheus does; what it would refuse fails the test. */
function parsed(text: string): Exposition {
  const types = new Map<string, string>();
  const help = new Map<string, string>();
  const values = new Map<string, number>();
  assert.ok(text.endsWith("\n"));
  for (const line of text.split("\n").filter((candidate) => candidate !== "")) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (comment) {
      const [, what, name, rest] = comment;
      const into = what === "HELP" ? help : types;
      assert.ok(!into.has(name!), `second ${what} of ${name}`);
      into.set(name!, rest!);
      continue;
    }
    const [, name, labels = "", value] = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? assert.fail(line);
    const pairs = [...labels.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\[\\"n])*)"(?:,|$)/g)];
    assert.equal(pairs.map(([whole]) => whole).join(""), labels, line);
    const key = `${name}{${pairs.map(([, label, content]) => `${label}=${content}`).sort().join(",")}}`;
    assert.ok(!values.has(key), `second ${key}`);
    assert.ok(types.has(name!.replace(/_(sum|count)$/, "")) || types.has(name!), `${name} has no type`);
    values.set(key, value!.toLowerCase() === "nan" ? NaN : Number(value));
  }
  return { types, help, values };
}

async function scrape(telemetry: Telemetry): Promise<Exposition> {
  return parsed(await telemetry.prometheus());
}

const EXPECTED_TYPES = {
  vault_core_unsealed: "gauge", vault_core_active: "gauge", vault_core_in_flight_requests: "gauge", vault_core_handle_request: "summary", vault_core_handle_login_request: "summary",
  vault_core_response_status_code: "counter", vault_core_mount_table_num_entries: "gauge", vault_audit_log_request: "summary", vault_audit_log_request_failure: "counter",
  vault_barrier_get: "summary", vault_barrier_put: "summary", vault_barrier_delete: "summary", vault_barrier_list: "summary",
  vault_expire_num_leases: "gauge", vault_expire_num_irrevocable_leases: "gauge", vault_token_creation: "counter", vault_token_count: "gauge", vault_token_count_by_policy: "gauge", vault_identity_num_entities: "gauge", vault_secret_kv_count: "gauge",
  vault_runtime_alloc_bytes: "gauge", vault_runtime_sys_bytes: "gauge", vault_runtime_num_goroutines: "gauge", vault_runtime_gc_pause_ns: "summary", vault_runtime_total_gc_runs: "gauge", vault_runtime_total_gc_pause_ns: "gauge",
  vault_raft_apply: "counter", vault_raft_commitTime: "summary", vault_raft_fsm_apply: "summary", vault_raft_leader_lastContact: "summary", vault_raft_leader_dispatchLog: "summary",
  vault_raft_state_leader: "counter", vault_raft_state_follower: "counter", vault_raft_state_candidate: "counter", vault_raft_peers: "gauge", vault_raft_replication_appendEntries_log: "summary",
  vault_raft_replication_appendEntries_logs: "summary", vault_raft_replication_appendEntries_rpc: "summary", vault_raft_replication_heartbeat: "summary",
  vault_raft_storage_stats_term: "gauge", vault_raft_storage_stats_commit_index: "gauge", vault_raft_storage_stats_applied_index: "gauge", vault_raft_storage_stats_fsm_pending: "gauge",
  vault_raft_storage_follower_applied_index_delta: "gauge", vault_raft_storage_follower_last_heartbeat_ms: "gauge",
  vault_autopilot_healthy: "gauge", vault_autopilot_failure_tolerance: "gauge", vault_autopilot_node_healthy: "gauge", vault_route_read_secret_: "summary",
  coffer_raft_fsync: "summary", coffer_raft_append_batch_entries: "summary", coffer_raft_elections: "counter", coffer_raft_pending_proposals: "gauge", coffer_raft_pending_bytes: "gauge",
  coffer_raft_messages_sent: "counter", coffer_raft_messages_received: "counter", coffer_raft_snapshots_sent: "counter", coffer_raft_snapshots_installed: "counter",
  vault_raft_fsm_applyBatch: "summary", vault_raft_fsm_applyBatchNum: "summary", vault_raft_fsm_restore: "summary", vault_raft_commitNumLogs: "gauge", vault_raft_compactLogs: "summary", vault_raft_snapshot_persist: "summary",
  vault_raft_restore: "counter", vault_raft_rpc_installSnapshot: "summary", vault_raft_replication_installSnapshot: "summary", vault_raft_verify_leader: "counter", vault_raft_transition_heartbeat_timeout: "counter",
  vault_raft_transition_leader_lease_timeout: "counter", vault_raft_leader_dispatchNumLogs: "gauge", vault_raft_storage_entry_size: "summary",
  vault_raft_barrier: "counter", vault_raft_candidate_electSelf: "summary", vault_raft_candidate_preElectSelf: "summary", vault_raft_leader_oldestLogAge: "gauge", vault_raft_snapshot_create: "summary", vault_raft_snapshot_takeSnapshot: "summary",
  vault_raft_rpc_appendEntries: "summary", vault_raft_rpc_processHeartbeat: "summary", vault_raft_rpc_requestVote: "summary", vault_raft_fsm_snapshot: "summary", vault_raft_thread_main_saturation: "summary", vault_raft_thread_fsm_saturation: "summary",
  vault_raft_storage_transaction: "summary",
  coffer_raft_election_causes: "counter", coffer_raft_leaderships_lost: "counter", coffer_raft_proposals_refused: "counter", coffer_raft_disk_stalls: "counter", coffer_raft_queue_bytes: "gauge", coffer_raft_unwritten_entries: "gauge",
  coffer_raft_log_bytes: "gauge", coffer_raft_sent_bytes: "counter", coffer_raft_heartbeats_sent: "counter", coffer_raft_snapshot_resumes: "counter",
  coffer_raft_compactions: "counter", coffer_raft_log_entries: "gauge", coffer_event_loop_delay: "summary",
} as const;

describe("metrics for Prometheus", () => {
  it("have Vault's names and types, each with its help", async () => {
    const telemetry = start();
    telemetry.observeRoute("read", "secret/", 1);
    telemetry.requests.begin(REQUEST)(200);
    telemetry.countToken({ authMethod: "token", mountPoint: "auth/token/", tokenType: "service", ttlSeconds: 60 });
    const { types, help } = await scrape(telemetry);
    assert.deepEqual(Object.fromEntries([...types].sort()), Object.fromEntries(Object.entries(EXPECTED_TYPES).sort()));
    assert.deepEqual([...help.keys()], [...types.keys()]);
  });

  it("carry the cluster's name everywhere, escaped", async () => {
    const { values } = await scrape(start({ clusterName: () => 'a "b"\\\n' }));
    assert.ok(values.size > 40);
    for (const key of values.keys()) assert.ok(key.includes('cluster=a \\"b\\"\\\\\\n'), key);
  });

  it("carry the host's name only where that is wanted, as a label", async () => {
    assert.ok([...(await scrape(start())).values.keys()].every((key) => !key.includes("node-1")));
    for (const key of (await scrape(start(settings({ enableHostnameLabel: true })))).values.keys()) assert.ok(key.includes("host=node-1"), key);
  });

  it("give what was polled", async () => {
    const { values } = await scrape(start());
    const value = (name: string, labels = "") => values.get(`${name}{${["cluster=vault-cluster-1", ...(labels ? [labels] : [])].sort().join(",")}}`);
    assert.equal(value("vault_core_unsealed"), 1);
    assert.equal(value("vault_core_active"), 1);
    assert.equal(value("vault_core_in_flight_requests"), 2);
    assert.equal(value("vault_audit_log_request_count"), 4);
    assert.equal(value("vault_audit_log_request_failure"), 1);
    assert.deepEqual(["get_count", "put_count", "put_sum", "delete_count", "list_count"].map((name) => value(`vault_barrier_${name}`)), [11, 7, 12.5, 2, 3]);
    assert.equal(value("vault_expire_num_leases"), 9);
    assert.equal(value("vault_token_count", "namespace=root"), 12);
    assert.equal(values.get("vault_token_count_by_policy{cluster=vault-cluster-1,namespace=root,policy=default}"), 11);
    assert.equal(values.get("vault_secret_kv_count{cluster=vault-cluster-1,mount_point=secret/,namespace=root}"), 5);
    assert.equal(value("vault_raft_apply"), 80);
    assert.equal(value("vault_raft_commitTime_sum"), 60);
    assert.equal(value("vault_raft_commitTime_count"), 80);
    assert.equal(value("vault_raft_transition_leader_lease_timeout"), 1);
    assert.equal(value("vault_raft_replication_appendEntries_log_sum"), 160);
    assert.deepEqual(["appendEntries_rpc_sum", "appendEntries_rpc_count", "appendEntries_logs_sum", "heartbeat_sum", "heartbeat_count"].map((name) => value(`vault_raft_replication_${name}`, "peer_id=b")), [21, 7, 16, 3, 6]);
    assert.equal(value("coffer_raft_disk_stalls"), 3);
    assert.equal(value("vault_raft_barrier"), 21);
    assert.deepEqual(["candidate_electSelf", "candidate_preElectSelf", "rpc_appendEntries", "rpc_processHeartbeat", "rpc_requestVote", "snapshot_create", "fsm_snapshot", "snapshot_takeSnapshot"].map((name) => [value(`vault_raft_${name}_sum`), value(`vault_raft_${name}_count`)]), [[5, 2], [6, 3], [44, 11], [1, 4], [8, 1], [3, 2], [3, 2], [11, 3]]);
    assert.deepEqual(["main", "fsm"].map((name) => [value(`vault_raft_thread_${name}_saturation_sum`), value(`vault_raft_thread_${name}_saturation_count`)]), [[5, 20], [1.5, 20]]);
    assert.equal(value("vault_raft_leader_oldestLogAge"), 60_000);
    assert.equal(value("vault_raft_fsm_lastRestoreDuration"), undefined, "none was installed");
    assert.equal(value("coffer_raft_election_causes", "cause=transfer"), 2);
    assert.equal(value("coffer_raft_queue_bytes"), 17);
    assert.equal(value("vault_raft_peers"), 3);
    assert.equal(value("vault_raft_state_leader"), 1);
    assert.equal(value("vault_raft_storage_stats_fsm_pending", "peer_id=a"), 2);
    assert.equal(value("vault_raft_storage_follower_applied_index_delta", "peer_id=b"), 8);
    assert.equal(value("vault_raft_storage_follower_last_heartbeat_ms", "peer_id=c"), 20_000);
    assert.equal(value("coffer_raft_log_entries"), 91);
    assert.equal(value("vault_raft_leader_lastContact_count"), 2);
    assert.equal(value("vault_raft_leader_lastContact_sum"), 20_040);
  });

  it("tell of a state that was installed, and of the log's age on the leader only", async () => {
    const { values } = await scrape(start({ raft: async () => ({ status: FOLLOWER, metrics: { ...MEASURES, snapshotsInstalled: 1, lastInstallMs: 70 } }) }));
    assert.equal(values.get("vault_raft_fsm_lastRestoreDuration{cluster=vault-cluster-1}"), 70);
    assert.ok(![...values.keys()].some((key) => key.startsWith("vault_raft_leader_oldestLogAge")));
  });

  it("say which servers autopilot calls healthy, by the given thresholds", async () => {
    const health = async (change: Partial<TelemetryOptions>) => {
      const { values } = await scrape(start(change));
      return [...values].filter(([key]) => key.startsWith("vault_autopilot")).map(([key, value]) => [/node_id=(\w)/.exec(key)?.[1] ?? key.split("{")[0], value]);
    };
    assert.deepEqual(await health({}), [["vault_autopilot_healthy", 0], ["vault_autopilot_failure_tolerance", 0], ["a", 1], ["b", 1], ["c", 0]]);
    assert.deepEqual(await health({ autopilotThresholds: () => ({ lastContactMs: 30_000, maxTrailingLogs: 20 }) }), [["vault_autopilot_healthy", 1], ["vault_autopilot_failure_tolerance", 1], ["a", 1], ["b", 1], ["c", 1]]);
    assert.deepEqual(await health({ autopilotThresholds: () => ({ lastContactMs: 30_000, maxTrailingLogs: 10 }) }), [["vault_autopilot_healthy", 0], ["vault_autopilot_failure_tolerance", 0], ["a", 1], ["b", 0], ["c", 1]]);
  });

  it("leave out on a follower what only the leader knows", async () => {
    const { types, values } = await scrape(start({ raft: async () => ({ status: FOLLOWER, metrics: MEASURES }), state: () => ({ sealed: false, active: false }) }));
    assert.ok([...types.keys()].every((name) => !name.startsWith("vault_autopilot") && !name.startsWith("vault_raft_storage_follower") && !/^vault_raft_replication_(heartbeat|appendEntries_(rpc|logs))/.test(name) && !name.startsWith("vault_raft_leader_lastContact")));
    assert.equal(values.get("vault_core_active{cluster=vault-cluster-1}"), 0);
    assert.equal(values.get("vault_raft_state_follower{cluster=vault-cluster-1}"), 1);
  });

  it("survive parts of the node that fail or know nothing", async () => {
    const text = await start({ raft: () => Promise.reject(new Error("the raft thread has stopped")), counts: () => Promise.reject(new Error("no keys")), state: () => ({ sealed: true, active: false }) }).prometheus();
    assert.ok(!text.includes("has stopped") && !text.includes("no keys"));
    const { types, values } = parsed(text);
    assert.equal(values.get("vault_core_unsealed{cluster=vault-cluster-1}"), 0);
    assert.ok([...types.keys()].every((name) => !name.includes("raft") && !name.includes("lease")));
  });

  it("do not wait for a consensus thread that is stuck", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      const scraped = scrape(start({ raft: () => new Promise(() => undefined) }));
      mock.timers.tick(1000);
      const { types } = await scraped;
      assert.ok(types.has("vault_core_unsealed") && types.has("vault_expire_num_leases") && !types.has("vault_raft_peers"));
    } finally {
      mock.timers.reset();
    }
  });

  it("are refused where retention is 0", async () => {
    await assert.rejects(start(settings({ prometheusRetention: 0 })).prometheus(), (error: RequestError) => {
      assert.ok(error instanceof RequestError);
      assert.deepEqual([error.code, error.messages], ["invalid_request", ["prometheus is not enabled"]]);
      return true;
    });
  });
});

describe("what is measured on the way", () => {
  it("gives quantiles of requests and of logins apart", async () => {
    const telemetry = start();
    for (let i = 1; i <= 100; i++) telemetry.observe("request", i);
    telemetry.observe("login", 500);
    const { values } = await scrape(telemetry);
    const near = (key: string, expected: number) => assert.ok(Math.abs(values.get(key)! - expected) <= expected / 100, `${key}: ${values.get(key)}`);
    near("vault_core_handle_request{cluster=vault-cluster-1,quantile=0.5}", 50);
    near("vault_core_handle_request{cluster=vault-cluster-1,quantile=0.9}", 90);
    near("vault_core_handle_request{cluster=vault-cluster-1,quantile=0.99}", 99);
    assert.equal(values.get("vault_core_handle_request_sum{cluster=vault-cluster-1}"), 5050);
    assert.equal(values.get("vault_core_handle_request_count{cluster=vault-cluster-1}"), 100);
    near("vault_core_handle_login_request{cluster=vault-cluster-1,quantile=0.99}", 500);
    assert.equal(values.get("vault_core_handle_login_request_count{cluster=vault-cluster-1}"), 1);
  });

  it("counts answers by status and class", async () => {
    const telemetry = start();
    for (const status of [200, 200, 204, 403, 503, 0, 1000]) telemetry.requests.begin(REQUEST)(status);
    const { values } = await scrape(telemetry);
    const found = [...values].filter(([key]) => key.startsWith("vault_core_response")).map(([key, value]) => [/code=(\d+)/.exec(key)?.[1], /type=(\w+)/.exec(key)?.[1], value]);
    assert.deepEqual(found, [["200", "2xx", 2], ["204", "2xx", 1], ["403", "4xx", 1], ["503", "5xx", 1]]);
  });

  it("counts tokens by Vault's buckets of time to live", async () => {
    const telemetry = start();
    for (const ttlSeconds of [60, 61, 60, 86_400, 2_592_001, 0]) telemetry.countToken({ authMethod: "userpass", mountPoint: "auth/userpass/", tokenType: "service", ttlSeconds });
    const { values } = await scrape(telemetry);
    const found = [...values].filter(([key]) => key.startsWith("vault_token_creation"));
    assert.equal(found[0]?.[0], "vault_token_creation{auth_method=userpass,cluster=vault-cluster-1,creation_ttl=1m,mount_point=auth/userpass/,namespace=root,token_type=service}");
    assert.deepEqual(found.map(([key, value]) => [/creation_ttl=([^,]+)/.exec(key)?.[1], value]), [["1m", 2], ["10m", 1], ["1d", 1], ["+Inf", 2]]);
  });

  it("names routes by operation and mount, and lets mounts share a name that Prometheus cannot tell apart", async () => {
    const telemetry = start();
    telemetry.observeRoute("read", "a-b/", 1);
    telemetry.observeRoute("read", "a_b/", 3);
    telemetry.observeRoute("update", "auth/token/", 2);
    const { values } = await scrape(telemetry);
    assert.equal(values.get("vault_route_read_a_b__sum{cluster=vault-cluster-1}"), 4);
    assert.equal(values.get("vault_route_update_auth_token__count{cluster=vault-cluster-1}"), 1);
  });

  it("does not grow without bound, however many mounts there are", async () => {
    const telemetry = start();
    for (let i = 0; i < MAX_ROUTES + 50; i++) telemetry.observeRoute("read", `mount${i}/`, 1);
    telemetry.observeRoute("read", "mount0/", 1);
    const { types, values } = await scrape(telemetry);
    assert.equal([...types.keys()].filter((name) => name.startsWith("vault_route_")).length, MAX_ROUTES);
    assert.equal(values.get("vault_route_read_mount0__count{cluster=vault-cluster-1}"), 2);
  });
});

describe("metrics as JSON", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setInterval", "Date"], now: Date.UTC(2024, 4, 1, 12, 0, 0) }));
  afterEach(() => mock.timers.reset());

  /** Lets ten seconds go by, and the work that they start come to its end. */
  async function interval(): Promise<void> {
    mock.timers.tick(10_000);
    for (let turn = 0; turn < 5; turn++) await new Promise((next) => setImmediate(next));
  }
  const named = <T extends { readonly Name: string }>(list: readonly T[], name: string) => list.find(({ Name }) => Name === name);

  it("have Vault's shape", async () => {
    const telemetry = start();
    telemetry.observe("request", 5);
    const document = await telemetry.json();
    assert.deepEqual(Object.keys(document), ["Timestamp", "Gauges", "Points", "Counters", "Samples"]);
    assert.equal(document.Timestamp, "2024-05-01 12:00:00 +0000 UTC");
    assert.deepEqual(document.Points, []);
    assert.deepEqual(named(document.Gauges, "vault.node-1.core.unsealed"), { Name: "vault.node-1.core.unsealed", Value: 1, Labels: { cluster: "vault-cluster-1" } });
    assert.deepEqual(named(document.Samples, "vault.core.handle_request"), {
      Name: "vault.core.handle_request", Count: 1, Rate: 5, Sum: 5, Min: 5, Max: 5, Mean: 5, Stddev: 0, Labels: { cluster: "vault-cluster-1" },
    });
    assert.deepEqual(JSON.parse(JSON.stringify(document)), document);
  });

  it("are there with Prometheus off", async () => {
    assert.ok((await start(settings({ prometheusRetention: 0 })).json()).Gauges.length > 10);
  });

  it("put the host's name into those of gauges, into a label, or nowhere", async () => {
    const names = async (change: Partial<TelemetryOptions["configuration"]>) => {
      const { Gauges, Samples } = await start(settings(change)).json();
      assert.ok(named(Samples, "vault.raft.commitTime"));
      return Gauges.find(({ Name }) => Name.endsWith("core.active"));
    };
    assert.deepEqual(await names({}), { Name: "vault.node-1.core.active", Value: 1, Labels: { cluster: "vault-cluster-1" } });
    assert.deepEqual(await names({ disableHostname: true }), { Name: "vault.core.active", Value: 1, Labels: { cluster: "vault-cluster-1" } });
    assert.deepEqual(await names({ enableHostnameLabel: true }), { Name: "vault.core.active", Value: 1, Labels: { cluster: "vault-cluster-1", host: "node-1" } });
  });

  it("give what counters and samples gained in the last whole interval", async () => {
    let commits = 80;
    const telemetry = start({ raft: async () => ({ status: LEADER, metrics: { ...MEASURES, commitCount: commits } }) });
    telemetry.observe("request", 1000);
    await interval();
    commits = 100;
    telemetry.observe("request", 10);
    telemetry.observe("request", 20);
    await interval();
    telemetry.observe("request", 77);
    const { Timestamp, Counters, Samples } = await telemetry.json();
    assert.equal(Timestamp, "2024-05-01 12:00:10 +0000 UTC");
    assert.deepEqual(named(Counters, "vault.raft.apply"), { Name: "vault.raft.apply", Count: 20, Rate: 2, Sum: 20, Min: 1, Max: 1, Mean: 1, Stddev: 0, Labels: { cluster: "vault-cluster-1" } });
    const { Count, Rate, Sum, Min, Max, Mean, Stddev } = named(Samples, "vault.core.handle_request")!;
    assert.deepEqual({ Count, Rate, Sum, Min, Max, Mean }, { Count: 2, Rate: 3, Sum: 30, Min: 10, Max: 20, Mean: 15 });
    assert.ok(Math.abs(Stddev - Math.sqrt(50)) < 1e-9);
    assert.equal(named(Counters, "vault.audit.log_request_failure"), undefined);
  });

  it("stop with the telemetry", async () => {
    const telemetry = start();
    telemetry.stop();
    await interval();
    assert.equal((await telemetry.json()).Timestamp, "2024-05-01 12:00:00 +0000 UTC");
    assert.equal(named((await telemetry.json()).Counters, "vault.raft.apply")?.Count, 80);
  });
});
