import type { Readable } from "node:stream";
import { invalid } from "../errors.js";
import { NO_CONTENT, data, field, plain, raw } from "../framework/index.js";
import type { Mount, Response } from "../framework/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";
import type { SystemServices } from "./services.js";

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const SERVER_ID = field.string({ description: "Id of the server in the Raft configuration.", default: "" });

function requireServerId(id: string): string {
  if (id === "") throw invalid("no server id provided");
  return id;
}

const joinPath = systemPath({
  template: "storage/raft/join",
  help: { synopsis: "Joins this node to a cluster.", description: "For a node that is not initialized: it asks the active node of a cluster to take it in, and proves with unsealing that it may." },
  fields: {
    leader_api_addr: field.string({ description: "Address of a node of the cluster.", default: "" }),
    leader_ca_cert: field.string({ description: "CA certificate of that node, PEM." }),
    leader_client_cert: field.string({ description: "Certificate to show to that node, PEM." }),
    leader_client_key: field.string({ description: "Key of the certificate, PEM.", sensitive: true }),
    leader_tls_servername: field.string({ description: "Name expected in that node's certificate." }),
    retry: field.bool({ description: "Tries again until it works.", default: false }),
    non_voter: field.bool({ description: "Joins as a server without a vote.", default: false }),
    auto_join: field.string({ description: "Not supported.", default: "" }),
  },
  operations: {
    update: {
      summary: "Joins this node to a cluster.", effect: "write", access: "none", whileSealed: true, thisNode: true,
      handler: async ({ input }, _storage, { services }) => {
        if (input.auto_join !== "") throw invalid("auto_join is not supported");
        if (input.leader_api_addr === "") throw invalid("leader_api_addr must be provided");
        const joined = await services.cluster.join({
          leaderApiAddress: input.leader_api_addr,
          ...(input.leader_ca_cert ? { leaderCaCertificate: input.leader_ca_cert } : {}),
          ...(input.leader_client_cert ? { leaderClientCertificate: input.leader_client_cert } : {}),
          ...(input.leader_client_key ? { leaderClientKey: input.leader_client_key } : {}),
          ...(input.leader_tls_servername ? { leaderTlsServerName: input.leader_tls_servername } : {}),
          retry: input.retry,
          nonVoter: input.non_voter,
        });
        return plain({ joined });
      },
    },
  },
});

const bootstrapPath = systemPath({
  template: "storage/raft/bootstrap",
  help: { synopsis: "Starts Raft where it was used for coordination only.", description: "Never needed here: storage is always Raft." },
  fields: {},
  operations: {
    update: {
      summary: "Always refused.", effect: "read", thisNode: true,
      handler: () => {
        throw invalid("storage is already bootstrapped");
      },
    },
  },
});

const challengePath = systemPath({
  template: "storage/raft/bootstrap/challenge",
  help: { synopsis: "Gives a joining server its challenge.", description: "Only a holder of the unseal key can answer it." },
  fields: { server_id: SERVER_ID },
  operations: {
    update: {
      summary: "Gives a joining server its challenge.", effect: "write", access: "none", activeOnly: true,
      handler: async ({ input }, _storage, { services }) => {
        const { challenge, sealConfig } = await services.cluster.challenge(requireServerId(input.server_id));
        return data({ challenge: Buffer.from(challenge).toString("base64"), seal_config: sealConfig });
      },
    },
  },
});

const answerPath = systemPath({
  template: "storage/raft/bootstrap/answer",
  help: { synopsis: "Takes a joining server's answer.", description: "A right answer makes the server part of the cluster." },
  fields: {
    server_id: SERVER_ID,
    answer: field.string({ description: "The decrypted challenge, in base64.", sensitive: true, default: "" }),
    cluster_addr: field.string({ description: "Cluster address of the joining server.", default: "" }),
    non_voter: field.bool({ description: "Joins as a server without a vote.", default: false }),
    public_key: field.string({ description: "Public key that the server's cluster certificate shall carry.", default: "" }),
  },
  operations: {
    update: {
      summary: "Takes a joining server's answer.", effect: "write", access: "none", activeOnly: true,
      handler: async ({ input }, _storage, { services }) => {
        const serverId = requireServerId(input.server_id);
        if (input.answer === "") throw invalid("no answer provided");
        if (input.cluster_addr === "") throw invalid("no cluster_addr provided");
        if (!BASE64.test(input.answer)) throw invalid("could not base64 decode answer");
        return data(await services.cluster.answer({
          serverId,
          answer: Buffer.from(input.answer, "base64"),
          clusterAddress: input.cluster_addr,
          nonVoter: input.non_voter,
          publicKey: input.public_key,
        }));
      },
    },
  },
});

const configurationPath = systemPath({
  template: "storage/raft/configuration",
  help: { synopsis: "Shows the Raft configuration.", description: "The servers of the cluster, and which of them vote." },
  fields: {},
  operations: {
    read: {
      summary: "Shows the Raft configuration.", effect: "read", activeOnly: true,
      handler: async (_request, _storage, { services }) => {
        const { index, servers } = await services.cluster.configuration();
        return data({
          config: {
            index,
            servers: servers.map((server) => ({ node_id: server.id, address: server.clusterAddress, leader: server.leader, protocol_version: "3", voter: server.voter })),
          },
        });
      },
    },
  },
});

const removePeerPath = systemPath({
  template: "storage/raft/remove-peer",
  help: { synopsis: "Removes a server from the cluster.", description: "It can come back only as a new server." },
  fields: { server_id: SERVER_ID },
  operations: {
    update: {
      summary: "Removes a server from the cluster.", effect: "write", activeOnly: true,
      handler: async ({ input }, _storage, { services }) => {
        await services.cluster.removePeer(requireServerId(input.server_id));
        return NO_CONTENT;
      },
    },
  },
});

const votePath = (template: "storage/raft/promote" | "storage/raft/demote") => {
  const votes = template === "storage/raft/promote";
  const what = votes ? "Makes a server without a vote one that votes." : "Takes a server its vote for good.";
  return systemPath({
    template,
    help: { synopsis: what, description: votes ? "Autopilot gives it its vote once it has been healthy for server_stabilization_time." : "It goes on holding all data. The active node keeps its vote: let another one take over first." },
    fields: { server_id: SERVER_ID },
    operations: {
      update: {
        summary: what, effect: "write", activeOnly: true,
        handler: async ({ input }, _storage, { services }) => {
          await services.cluster.letVote(requireServerId(input.server_id), votes);
          return NO_CONTENT;
        },
      },
    },
  });
};

const restore = (force: boolean) => async ({ stream }: { readonly stream: Readable | undefined }, _storage: unknown, { services: { cluster } }: Mount<SystemServices>): Promise<Response> => {
  if (!stream) throw invalid("no reader for request");
  await cluster.restoreSnapshot(stream, force);
  return NO_CONTENT;
};

const snapshotPath = systemPath({
  template: "storage/raft/snapshot",
  help: { synopsis: "Saves and restores the whole state.", description: "A snapshot is a compressed archive of the encrypted state; the unseal keys of its time are needed to read it." },
  fields: {},
  operations: {
    read: {
      summary: "Saves a snapshot.", effect: "read", thisNode: true,
      // A standby holds the whole state too. Pointing elsewhere would make a stream of nothing for clients that do not follow.
      handler: async (_request, _storage, { services: { cluster } }) => raw(await cluster.saveSnapshot(), "application/gzip", 200, { "Content-Disposition": 'attachment; filename="raft.snap"' }),
    },
    update: { summary: "Restores a snapshot of this cluster.", effect: "write", activeOnly: true, rawBody: true, handler: restore(false) },
  },
});

const snapshotForcePath = systemPath({
  template: "storage/raft/snapshot-force",
  help: { synopsis: "Restores a snapshot of any cluster.", description: "Afterwards the unseal keys of that cluster are needed." },
  fields: {},
  operations: { update: { summary: "Restores a snapshot of any cluster.", effect: "write", activeOnly: true, rawBody: true, handler: restore(true) } },
});

export const raftPaths: readonly SystemPath[] = [
  joinPath, bootstrapPath, challengePath, answerPath, configurationPath, removePeerPath, votePath("storage/raft/promote"), votePath("storage/raft/demote"),
  snapshotPath, snapshotForcePath,
];
