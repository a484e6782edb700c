import assert from "node:assert/strict";
import test from "node:test";
import { join } from "node:path";
import { folderOf, loader } from "./testing/files.js";

/** The configuration that a guide to Vault gives for production, letter for letter. */
const GUIDE = `# /etc/vault.d/vault.hcl
# Production Vault server configuration with Raft HA
# Listener configuration with TLS
listener "tcp" {
address = "0.0.0.0:8200"
tls_cert_file = "/opt/vault/tls/vault.crt"
tls_key_file = "/opt/vault/tls/vault.key"
tls_min_version = "1.3"
# CIDR restrictions for management access
tls_disable_client_certs = false
}
# Integrated Raft storage (recommended for HA)
storage "raft" {
path = "/opt/vault/data"
node_id = "vault-node-1"
# Raft cluster peers (3-node minimum for production)
retry_join {
leader_api_addr = "https://vault-node-2.internal:8200"
leader_ca_cert_file = "/opt/vault/tls/ca.crt"
}
retry_join {
leader_api_addr = "https://vault-node-3.internal:8200"
leader_ca_cert_file = "/opt/vault/tls/ca.crt"
}
# Raft performance tuning
performance_multiplier = 1
autopilot {
cleanup_dead_servers = true
last_contact_threshold = "10s"
max_trailing_logs = 1000
min_quorum = 3
server_stabilization_time = "10s"
}
}
# Auto-unseal with AWS KMS (production requirement)
seal "awskms" {
region = "us-east-1"
kms_key_id = "arn:aws:kms:us-east-1:123456789:key/vault-unseal"
endpoint = ""
}
# Telemetry for monitoring
telemetry {
prometheus_retention_time = "30s"
disable_hostname = false
enable_hostname_label = true
}
# Audit log configuration
audit_device "file" {
path = "/var/log/vault/audit.log"
log_raw = false
hmac_accessor = true
}
# API rate limiting
api_addr = "https://vault-node-1.internal:8200"
cluster_addr = "https://vault-node-1.internal:8201"
cluster_name = "production-vault"
# Performance and security settings
default_lease_ttl = "768h" # 32 days
max_lease_ttl = "8760h" # 1 year
disable_mlock = false
ui = true
log_level = "info"
`;

const CA = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

test("the guide's production configuration is read in full, once the CA that it names is there", (t) => {
  const ca = join(folderOf(t, { "ca.crt": CA }), "ca.crt");
  const { warnings, ...configuration } = loader(t).load(GUIDE.replaceAll("/opt/vault/tls/ca.crt", ca));
  const unset = { caCertificate: CA, clientCertificate: undefined, clientKey: undefined, tlsServerName: undefined };
  assert.deepEqual(configuration, {
    listeners: [
      {
        address: "0.0.0.0:8200",
        clusterAddress: undefined,
        tls: {
          certificateFile: "/opt/vault/tls/vault.crt",
          keyFile: "/opt/vault/tls/vault.key",
          minVersion: "TLSv1.3",
          maxVersion: "TLSv1.3",
          ciphers: [],
          clientCaFile: undefined,
          requireClientCertificate: false,
          acceptClientCertificates: true,
        },
        maxRequestSize: 33_554_432,
        maxRequestDuration: 90,
        readHeaderTimeout: 10,
        readTimeout: 30,
        idleTimeout: 300,
        trustedProxies: [],
        unauthenticatedMetrics: false,
        tokenOnly: [],
      },
    ],
    storage: {
      type: "raft",
      path: "/opt/vault/data",
      nodeId: "vault-node-1",
      performanceMultiplier: 1,
      readLease: false,
      trailingLogs: undefined,
      snapshotThreshold: undefined,
      retryJoin: [
        { leaderApiAddress: "https://vault-node-2.internal:8200", ...unset },
        { leaderApiAddress: "https://vault-node-3.internal:8200", ...unset },
      ],
      retryJoinAsNonVoter: false,
      autopilot: { cleanup_dead_servers: true, last_contact_threshold: 10, max_trailing_logs: 1000, min_quorum: 3, server_stabilization_time: 10 },
    },
    seals: [{ type: "awskms", name: "awskms", priority: 1, disabled: false, options: { region: "us-east-1", kms_key_id: "arn:aws:kms:us-east-1:123456789:key/vault-unseal" } }],
    telemetry: { prometheusRetention: 30, disableHostname: false, enableHostnameLabel: true },
    auditDevices: [{ path: "file/", type: "file", description: "", options: { log_raw: "false", hmac_accessor: "true", file_path: "/var/log/vault/audit.log" } }],
    userLockout: { byType: {} },
    apiAddress: "https://vault-node-1.internal:8200",
    clusterAddress: "https://vault-node-1.internal:8201",
    clusterName: "production-vault",
    defaultLeaseTtl: 768 * 3600,
    maxLeaseTtl: 8760 * 3600,
    defaultMaxRequestDuration: 90,
    logLevel: "info",
    logFormat: "standard",
    logFile: undefined,
    pidFile: undefined,
    ui: true,
    cacheSize: 131_072,
    rawStorage: false,
    introspection: false,
    hostnameHeader: false,
    nodeIdHeader: false,
  });
  assert.deepEqual(warnings.map((warning) => warning.replace(/^.*\/(?=c\.hcl)/, "")), [
    "c.hcl:60: key disable_mlock has no effect in this version: memory is not locked: turn swap off or encrypt it",
  ]);
});

test("as written, on a machine without that CA, it is refused where the CA is named", (t) => {
  const absent = join(folderOf(t, {}), "ca.crt");
  assert.equal(loader(t).problem(GUIDE.replaceAll("/opt/vault/tls/ca.crt", absent)), `c.hcl:19:23: cannot read ${absent} (ENOENT)`);
});
