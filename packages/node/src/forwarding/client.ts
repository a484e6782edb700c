import grpc from "@grpc/grpc-js";
import { CLIENT_OPTIONS, clientCredentials } from "@coffer/raft";
import { CLUSTER_ID_KEY } from "./server.js";
import { clusterService, decodeAnswer, encodeQuestion } from "./wire.js";
import type { Answer, Question, WireFrame } from "./wire.js";

/** `unsent`: it certainly did not arrive. `lost`: the stream broke while it was out, so it may have been done. */
export type Asked = Answer | { readonly kind: "unsent" } | { readonly kind: "lost" };

/** The stream to the node that leads. Questions go out at once; answers come in any order. */
export interface ActiveNodeClient {
  /** host:port of the cluster listener; undefined where nobody leads. Changing it breaks what is out. */
  pointTo(address: string | undefined): void;
  ask(question: Question): Promise<Asked>;
  close(): void;
}

interface Connection {
  readonly address: string;
  readonly client: grpc.Client;
  readonly stream: grpc.ClientDuplexStream<WireFrame, WireFrame>;
  readonly waiting: Map<number, (asked: Asked) => void>;
}

const ClusterClient = grpc.makeGenericClientConstructor(clusterService, "Cluster");

export function createActiveNodeClient(tls: { readonly ca: string; readonly certificate: string; readonly key: string }, clusterId: string): ActiveNodeClient {
  let target: string | undefined;
  let connection: Connection | undefined;
  let nextId = 1;

  function drop(which: Connection): void {
    if (connection === which) connection = undefined;
    for (const resolve of which.waiting.values()) resolve({ kind: "lost" });
    which.waiting.clear();
    which.stream.cancel();
    which.client.close();
  }

  function connect(address: string): Connection {
    const client = new ClusterClient(address, clientCredentials(tls), CLIENT_OPTIONS);
    const metadata = new grpc.Metadata();
    metadata.set(CLUSTER_ID_KEY, clusterId);
    const stream = (client["Ask"] as unknown as (metadata: grpc.Metadata) => Connection["stream"]).call(client, metadata);
    const made: Connection = { address, client, stream, waiting: new Map() };
    stream.on("data", ({ id, payload }: WireFrame) => {
      const resolve = made.waiting.get(id);
      made.waiting.delete(id);
      resolve?.(decodeAnswer(payload));
    });
    stream.on("error", () => drop(made));
    stream.on("end", () => drop(made));
    return made;
  }

  return {
    pointTo(address) {
      if (address === target) return;
      target = address;
      if (connection && connection.address !== address) drop(connection);
    },
    ask(question) {
      if (target === undefined) return Promise.resolve({ kind: "unsent" });
      const current = (connection ??= connect(target));
      const id = nextId++;
      return new Promise((resolve) => {
        current.waiting.set(id, resolve);
        current.stream.write({ id, payload: encodeQuestion(question) });
      });
    },
    close() {
      target = undefined;
      if (connection) drop(connection);
    },
  };
}
