import grpc from "@grpc/grpc-js";
import { CLIENT_OPTIONS, clientCredentials } from "@coffer/raft";
import { CLUSTER_ID_KEY } from "./server.js";
import { clusterService } from "./service.js";
import type { WireFrame } from "./service.js";
import { decodeAnswer, encodeQuestion, MAX_PAYLOAD_BYTES } from "./wire.js";
import type { Answer, Question } from "./wire.js";

/** `unsent`: it certainly did not arrive. `lost`: the stream broke while it was out, so it may have been done. */
export type Asked = Answer | { readonly kind: "unsent" } | { readonly kind: "lost" } | { readonly kind: "too-large" };

export interface ClusterTls {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** One stream to one node, from the first question to its loss; it is not opened again. */
export interface Connection {
  readonly address: string;
  /** `timeoutMs`: after that the answer counts as lost. `isRepeatable`: `leave` need not wait for its answer. */
  ask(question: Question, more: { readonly isRepeatable: boolean; readonly timeoutMs: number | undefined }): Promise<Asked>;
  /** Nothing more will be asked. What changes things may still be answered, within `graceMs`; everything else is lost at once. */
  leave(graceMs: number): void;
  close(): void;
}

/** From the first question to the other node's readiness to take it. */
const CONNECT_MS = 2000;
/** A node that vanished without a word is found out within both together. */
const KEEPALIVE = { "grpc.keepalive_time_ms": 4000, "grpc.keepalive_timeout_ms": 4000 };

interface Waiting {
  readonly isRepeatable: boolean;
  readonly resolve: (asked: Asked) => void;
  readonly timer: NodeJS.Timeout | undefined;
}

const ClusterClient = grpc.makeGenericClientConstructor(clusterService, "Cluster");

/** `onLost` is called once, when the stream is of no more use. */
export function openConnection(address: string, tls: ClusterTls, clusterId: string, onLost: () => void): Connection {
  // A channel of its own: one that is kept across failures waits longer and longer before it tries again.
  const client = new ClusterClient(address, clientCredentials(tls), { ...CLIENT_OPTIONS, ...KEEPALIVE });
  const metadata = new grpc.Metadata();
  metadata.set(CLUSTER_ID_KEY, clusterId);
  const stream = (client["Ask"] as unknown as (metadata: grpc.Metadata) => grpc.ClientDuplexStream<WireFrame, WireFrame>).call(client, metadata);
  const waiting = new Map<number, Waiting>();
  /** Asked before the stream was there; undefined once it is. */
  let unsent: WireFrame[] | undefined = [];
  let nextId = 1;
  let isLeft = false;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined = setTimeout(close, CONNECT_MS);

  function settle(id: number, asked: Asked): void {
    const found = waiting.get(id);
    if (!found) return;
    waiting.delete(id);
    clearTimeout(found.timer);
    found.resolve(asked);
    if (isLeft && waiting.size === 0) close();
  }

  function close(): void {
    if (isClosed) return;
    isClosed = true;
    clearTimeout(timer);
    const kind = unsent ? "unsent" : "lost";
    for (const id of [...waiting.keys()]) settle(id, { kind });
    stream.cancel();
    client.close();
    onLost();
  }

  stream.on("metadata", () => {
    clearTimeout(timer);
    for (const frame of unsent ?? []) if (waiting.has(frame.id)) stream.write(frame);
    unsent = undefined;
  });
  stream.on("data", ({ id, payload }: WireFrame) => {
    let answer: Asked;
    try {
      answer = decodeAnswer(payload);
    } catch {
      answer = { kind: "lost" };
    }
    settle(id, answer);
  });
  stream.on("error", close);
  stream.on("end", close);

  return {
    address,
    ask(question, { isRepeatable, timeoutMs }) {
      if (isClosed || isLeft) return Promise.resolve({ kind: "unsent" });
      const payload = encodeQuestion(question);
      if (payload.length > MAX_PAYLOAD_BYTES) return Promise.resolve({ kind: "too-large" });
      const frame = { id: nextId++, payload };
      return new Promise((resolve) => {
        const giveUp = timeoutMs === undefined ? undefined : setTimeout(() => settle(frame.id, { kind: unsent ? "unsent" : "lost" }), timeoutMs);
        waiting.set(frame.id, { isRepeatable, resolve, timer: giveUp });
        if (unsent) unsent.push(frame);
        else stream.write(frame);
      });
    },
    leave(graceMs) {
      if (isClosed || isLeft) return;
      isLeft = true;
      if (unsent || waiting.size === 0) return close();
      timer = setTimeout(close, graceMs);
      for (const [id, { isRepeatable }] of [...waiting]) if (isRepeatable) settle(id, { kind: "lost" });
    },
    close,
  };
}
