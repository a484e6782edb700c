import assert from "node:assert/strict";
import { Readable } from "node:stream";
import test from "node:test";
import { RequestError } from "@coffer/state-machine";
import type { ApiRequest, ApiResponse, Client } from "@coffer/state-machine";
import { createEchoes } from "../cluster/echoes.js";
import { decodeAnswer, encodeQuestion, MAX_PAYLOAD_BYTES } from "../forwarding/wire.js";
import { memoryLogger } from "../http/testing/echo-application.js";
import { createQuestionHandler } from "./questions.js";

const echoOf = (nodeId: string) => ({ nodeId, apiAddress: `http://${nodeId}`, clusterAddress: "c", hostname: "h", version: "1" });
const request: ApiRequest = { id: "i", operation: "read", path: "p", query: {}, body: new Uint8Array(0), contentType: "", token: "hvs.secret", headers: {}, remoteAddress: "", remotePort: 0 };
const question = encodeQuestion({ kind: "request", request });

function setUp(handleForwarded: (request: ApiRequest) => Promise<ApiResponse | undefined>) {
  const logger = memoryLogger();
  const echoes = createEchoes(echoOf("a"), () => 5);
  const heard: Client[] = [];
  const handle = createQuestionHandler({ handleForwarded }, echoes, { hear: (clients) => heard.push(...clients) }, logger);
  return { logger, echoes, heard, ask: async (payload: Uint8Array) => decodeAnswer(await handle(payload)) };
}

const respond = (body: ApiResponse["body"]) => async (): Promise<ApiResponse> => ({ status: 200, headers: {}, contentType: "", body, index: 3 });

async function errorOf(asked: Promise<ReturnType<typeof decodeAnswer>>) {
  const answer = await asked;
  assert.equal(answer.kind, "response");
  if (answer.kind !== "response") throw new Error("unreachable");
  return [answer.response.status, ...(JSON.parse(Buffer.from(answer.response.body as Uint8Array).toString()) as { errors: string[] }).errors];
}

test("a request is answered, or said not to be this node's; an echo is remembered and answered; clients are taken", async () => {
  const served = await setUp(respond("x")).ask(question);
  assert.ok(served.kind === "response" && served.response.index === 3);
  assert.deepEqual(await setUp(async () => undefined).ask(question), { kind: "not-active" });
  const { ask, echoes, heard } = setUp(respond("x"));
  const clients: Client[] = [{ id: "e", kind: "entity", mountUuid: "m", firstMs: 1_767_323_045_000 }, { id: "p", kind: "non-entity-token", mountUuid: "", firstMs: 0 }];
  assert.deepEqual(await ask(encodeQuestion({ kind: "clients", clients })), { kind: "taken" });
  assert.deepEqual(heard, clients);
  assert.deepEqual(await ask(encodeQuestion({ kind: "echo", echo: echoOf("b") })), { kind: "echo", echo: echoOf("a") });
  assert.equal(echoes.of("b")?.heardAt, 5);
});

test("whatever goes wrong is an answer, with what the caller may know", async () => {
  assert.deepEqual(await errorOf(setUp(() => Promise.reject(new RequestError("overloaded", "busy"))).ask(question)), [503, "busy"]);
  const broken = setUp(() => Promise.reject(new Error("stack and all")));
  assert.deepEqual(await errorOf(broken.ask(question)), [500, "internal error"]);
  assert.match(broken.logger.lines[0]!, /stack and all/);
  const garbage = setUp(respond("x"));
  assert.deepEqual(await errorOf(garbage.ask(Buffer.from([1, 2, 3]))), [500, "internal error"]);
  assert.ok(!garbage.logger.lines.join().includes("hvs."));
});

test("a stream and an answer too large are refused, and the stream is let go", async () => {
  const stream = Readable.from(["x"]);
  assert.match(String((await errorOf(setUp(respond(stream)).ask(question)))[1]), /is a stream/);
  assert.ok(stream.destroyed);
  assert.match(String((await errorOf(setUp(respond(Buffer.alloc(MAX_PAYLOAD_BYTES))).ask(question)))[1]), /too large to be forwarded/);
});
