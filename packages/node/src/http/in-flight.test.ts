import assert from "node:assert/strict";
import test from "node:test";
import type { ApiRequest } from "@coffer/state-machine";
import { createInFlight } from "./in-flight.js";
import { rawClient, head } from "./testing/raw-client.js";
import { echo, echoApplication, serve } from "./testing/echo-application.js";

test("a request is listed while it is worked on", async (t) => {
  const requests = createInFlight(() => Date.UTC(2024, 0, 2, 3, 4, 5));
  const listed: unknown[] = [];
  const application = { ...echoApplication(), requests };
  const server = await serve(t, { application: { ...application, handle: (request) => (listed.push(requests.list()), echo({ ...request, id: "same" })) } });
  const client = await rawClient(t, server.port);
  await client.send(head("LIST", "/v1/secret/a"));
  await client.answer();
  const [rows] = listed as [Record<string, unknown>];
  assert.equal(Object.keys(rows).length, 1);
  assert.match(Object.keys(rows)[0]!, /^[0-9a-f-]{36}$/);
  assert.deepEqual(Object.values(rows)[0], {
    start_time: "2024-01-02T03:04:05.000Z",
    client_remote_address: `127.0.0.1:${client.socket.localPort}`,
    request_path: "/v1/secret/a/",
    request_method: "LIST",
    client_id: "",
  });
  assert.deepEqual(requests.list(), {});
});

test("requests end in any order", () => {
  const requests = createInFlight(() => 0);
  const begin = (id: string) => requests.begin({ ...REQUEST, id });
  const [a, b, c] = [begin("a"), begin("b"), begin("c")];
  const ids = () => Object.keys(requests.list());
  assert.deepEqual(ids(), ["a", "b", "c"]);
  b(200);
  assert.deepEqual(ids(), ["a", "c"]);
  const d = begin("d");
  a(200);
  d(500);
  assert.deepEqual(ids(), ["c"]);
  c(200);
  assert.deepEqual(ids(), []);
});

const REQUEST: Omit<ApiRequest, "id"> = { operation: "read", path: "a", query: {}, body: new Uint8Array(), contentType: "", token: undefined, headers: {}, remoteAddress: "::1", remotePort: 1 };
