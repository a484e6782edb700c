import assert from "node:assert/strict";
import test from "node:test";
import type { Message } from "../core/types.js";
import { testCertificates } from "../testing/certificates.js";
import { until } from "../testing/cluster.js";
import { freePort } from "../testing/line.js";
import { startTransport } from "./transport.js";
import type { Transport } from "./transport.js";
import type { Sendable } from "./wire.js";

interface End {
  readonly address: string;
  readonly transport: Transport;
  readonly received: Message[];
  readonly logged: string[];
}

async function openEnd(id: string, tls: Awaited<ReturnType<typeof testCertificates>>, clusterId = "test"): Promise<End> {
  const address = `127.0.0.1:${await freePort()}`;
  const received: Message[] = [];
  const logged: string[] = [];
  const transport = await startTransport(id, { listen: address, advertise: address, tls, clusterId }, {
    onMessages: (messages) => void received.push(...messages),
    onUnreachable: () => undefined,
    onSnapshot: (_call, answer) => answer(false),
    log: (_level, message) => void logged.push(message),
  });
  return { address, transport, received, logged };
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
    b.transport.send([{ type: "heartbeat-response", from: "b", to: "a", term: 1, round: 1, canLead: true }]);
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
    assert.deepEqual([a.logged, b.received], [["peer refuses the stream"], []]);
  } finally {
    await Promise.all([a.transport.close(), b.transport.close()]);
  }
});
