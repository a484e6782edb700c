import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import test from "node:test";
import type { ApiRequest, ApiResponse } from "@coffer/state-machine";
import type { Asked } from "./connection.js";
import { createUploads, forwardUpload } from "./upload.js";
import type { Question } from "./wire.js";

const request = { id: "i", operation: "update", path: "p", query: {}, body: new Uint8Array(0), contentType: "", token: "t", headers: {}, remoteAddress: "", remotePort: 0 } as const satisfies ApiRequest;
const response = (body: string): ApiResponse => ({ status: 200, headers: {}, contentType: "", body, index: 1 });

/** An active node that lets `handler` have what is forwarded to it. */
function activeNode(handler: (stream: Readable) => Promise<string>) {
  const uploads = createUploads();
  let chunks = 0;
  const ask = async (question: Question): Promise<Asked> => {
    if (question.kind === "chunk") {
      chunks += 1;
      return { kind: (await uploads.take(question.chunk)) ? "taken" : "unwanted" };
    }
    assert.ok(question.kind === "request" && question.upload !== undefined && question.request.stream === undefined);
    const { stream, close } = uploads.open(question.upload);
    return { kind: "response", response: response(await handler(stream).finally(close)) };
  };
  return { ask, chunks: () => chunks };
}

const bodyOf = (asked: Asked) => asked.kind === "response" && asked.response.body;

test("an upload arrives whole and in order, in pieces", async () => {
  const sent = Array.from({ length: 50 }, (_, i) => Buffer.alloc(30_000, String(i % 10)));
  const large = Buffer.alloc(600_000, "x");
  const active = activeNode(text);
  const asked = await forwardUpload(active, { ...request, stream: Readable.from([...sent, large]) });
  assert.equal(bodyOf(asked), Buffer.concat([...sent, large]).toString());
  assert.equal(active.chunks(), 1 + 50 + 3 + 1);
});

test("nothing is read for a node that does not take it", async () => {
  const stream = Readable.from(["x"]);
  const asked = await forwardUpload({ ask: async ({ kind }) => ({ kind: kind === "chunk" ? "unwanted" : "not-active" }) }, { ...request, stream });
  assert.deepEqual([asked.kind, stream.readableDidRead], ["not-active", false]);
});

test("an answer before the end ends the reading, and leaves the client's connection alone", async () => {
  let produced = 0;
  const stream = new Readable({ read() { this.push(Buffer.alloc(100_000, String(produced++))); } });
  const asked = await forwardUpload(activeNode(async () => "refused"), { ...request, stream });
  assert.equal(bodyOf(asked), "refused");
  assert.deepEqual([stream.destroyed, produced < 20], [false, true]);
});

test("a client that goes away half way is an error to who reads", async () => {
  const stream = new Readable({ read: () => undefined });
  stream.push("half");
  const asked = forwardUpload(activeNode((upload) => text(upload).then(() => "whole", (error: Error) => error.message)), { ...request, stream });
  setImmediate(() => stream.destroy(new Error("aborted")));
  assert.equal(bodyOf(await asked), "the upload stopped half way");
});

test("a node that forwards and falls silent is an error too, and unknown uploads are unwanted", async () => {
  const uploads = createUploads(5);
  const { stream } = uploads.open("u");
  // The timer alone keeps no process alive.
  const alive = setInterval(() => undefined, 1000);
  await assert.rejects(text(stream), /stopped half way/);
  clearInterval(alive);
  for (const upload of ["u", "other"]) assert.equal(await uploads.take({ upload, bytes: Buffer.from("x"), state: "more" }), false);
});
