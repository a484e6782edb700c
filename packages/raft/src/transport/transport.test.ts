import assert from "node:assert/strict";
import test from "node:test";
import { freePort } from "@coffer/counterparts";
import grpc from "@grpc/grpc-js";
import type { Message } from "../core/types.js";
import { testCertificates } from "../testing/certificates.js";
import { until } from "../testing/cluster.js";
import { CLIENT_OPTIONS, clientCredentials } from "./credentials.js";
import { handshake, protocolRefusal, startTransport } from "./transport.js";
import type { Transport } from "./transport.js";
import { raftService } from "./wire.js";
import { encodeFrame } from "./frame.js";
import type { Sendable } from "./frame.js";

interface End {
  readonly address: string;
  readonly transport: Transport;
  readonly received: Message[];
  readonly logged: string[];
  readonly fatal: Error[];
}

async function openEnd(id: string, tls: Awaited<ReturnType<typeof testCertificates>>, clusterId = "test"): Promise<End> {
  const address = `127.0.0.1:${await freePort()}`;
  const received: Message[] = [];
  const logged: string[] = [];
  const fatal: Error[] = [];
  const transport = await startTransport(id, { listen: address, advertise: address, tls, clusterId }, {
    onMessages: (messages) => void received.push(...messages),
    onUnreachable: () => undefined,
    onSnapshot: (call) => void call.end(),
    onFatal: (error) => void fatal.push(error),
    log: (_level, message) => void logged.push(message),
  });
  return { address, transport, received, logged, fatal };
}

function append(index: number, bytes: number): Sendable {
  return { type: "append", from: "a", to: "b", term: 1, prevIndex: index - 1, prevTerm: 1, commit: 0, entries: [{ index, term: 1, kind: "normal", data: Buffer.alloc(bytes) }] };
}

test("more than one gRPC message may hold leaves in several frames, in order", async () => {
  const tls = await testCertificates();
  const [a, b] = [await openEnd("a", tls), await openEnd("b", tls)];
  try {
    a.transport.setServers([{ id: "b", address: b.address, voter: true }]);
    const count = 90;
    a.transport.send(Array.from({ length: count }, (_, i) => append(i + 1, 1024 * 1024)));
    await until("all of them", () => b.received.length === count);
    assert.deepEqual(b.received.map((message) => message.type === "append" && message.prevIndex), Array.from({ length: count }, (_, i) => i));
    await until("the queue is empty", () => a.transport.queuedBytes() === 0);
  } finally {
    await Promise.all([a.transport.close(), b.transport.close()]);
  }
});

test("a server that left the configuration is answered while it still speaks", async () => {
  const tls = await testCertificates();
  const [a, b] = [await openEnd("a", tls), await openEnd("b", tls)];
  try {
    a.transport.setServers([{ id: "b", address: b.address, voter: true }]);
    b.transport.setServers([{ id: "a", address: a.address, voter: true }]);
    a.transport.send([append(1, 10)]);
    await until("heard", () => b.received.length === 1);
    b.transport.setServers([]);
    b.transport.send([{ type: "heartbeat-response", from: "b", to: "a", term: 1, round: 1, canLead: true, sentAt: 1.5, patience: 350 }]);
    await until("answered", () => a.received.length === 1);
  } finally {
    await Promise.all([a.transport.close(), b.transport.close()]);
  }
});

test("another cluster is refused, and said so once", async () => {
  const tls = await testCertificates();
  const [a, b] = [await openEnd("a", tls, "one"), await openEnd("b", tls, "other")];
  try {
    a.transport.setServers([{ id: "b", address: b.address, voter: true }]);
    await until("refused", () => a.logged.length > 0);
    a.transport.send([append(1, 10)]);
    await new Promise((wake) => setTimeout(wake, 400));
    assert.deepEqual([a.logged, b.logged, b.received], [["peer refuses the stream"], ["refusing a peer"], []]);
  } finally {
    await Promise.all([a.transport.close(), b.transport.close()]);
  }
});

test("versions that overlap talk, also with a peer that tells one only; others are told both ranges", () => {
  const hello = (newest?: string, oldest?: string) => {
    const metadata = new grpc.Metadata();
    if (newest !== undefined) metadata.set("coffer-protocol", newest);
    if (oldest !== undefined) metadata.set("coffer-protocol-oldest", oldest);
    return metadata;
  };
  const ours = { oldest: 2, newest: 3 };
  for (const [newest, oldest] of [["2"], ["3"], ["5", "3"], ["2", "1"], ["9", "1"]] as const) assert.equal(protocolRefusal(hello(newest, oldest), ours), undefined, newest);
  assert.match(protocolRefusal(hello("1"), ours)!, /peer speaks raft protocol 1, this node 2 to 3/);
  assert.match(protocolRefusal(hello("6", "4"), ours)!, /peer speaks raft protocol 4 to 6, this node 2 to 3/);
  for (const bad of [hello(), hello("x"), hello("1", "y")]) assert.match(protocolRefusal(bad, ours)!, /this node 2 to 3/);
});

test("an entry of a kind that is not known is fatal to the receiver, and never skipped", async () => {
  const tls = await testCertificates();
  const b = await openEnd("b", tls);
  const client = new (grpc.makeGenericClientConstructor(raftService, "Raft"))(b.address, clientCredentials(tls), CLIENT_OPTIONS);
  try {
    const hello = handshake({ listen: "", advertise: "127.0.0.1:1", tls, clusterId: "test" }, "a", "b");
    const stream = (client["Messages"] as unknown as (metadata: grpc.Metadata) => grpc.ClientDuplexStream<Uint8Array, Uint8Array>).call(client, hello);
    stream.on("error", () => undefined);
    const frame = Buffer.from(encodeFrame([{ ...append(2, 3), entries: [{ index: 2, term: 1, kind: "noop", data: Buffer.from("abc") }] } as Sendable]));
    // As a newer version writes it: the wire's enum has grown.
    frame[frame.indexOf("abc") - 3] = 77;
    stream.write(frame);
    await until("fatal", () => b.fatal.length > 0 || b.received.length > 0);
    assert.match(b.fatal[0]?.message ?? "", /^entry 2 of the raft log is of kind 77, which this version does not know/);
    assert.equal(b.received.length, 0);
  } finally {
    client.close();
    await b.transport.close();
  }
});
