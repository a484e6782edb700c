import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { main } from "./main.js";

const asked: string[] = [];
let pages: Readonly<Record<string, object | undefined>> = {};
const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://x");
  const mount = { request_id: "r", data: { path: "secret/", options: { version: "2" } } };
  const data = pathname.startsWith("/v1/sys/internal/ui/mounts/") ? mount.data : pages[searchParams.get("after") ?? ""];
  if (data !== mount.data) asked.push(`${pathname}?${searchParams}`);
  response.writeHead(data === undefined ? 404 : 200, { "content-type": "application/json" });
  response.end(JSON.stringify(data === undefined ? { errors: [] } : { request_id: "r", data, warnings: null }));
});
before(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
after(() => {
  server.close();
  server.closeAllConnections();
});

async function run(...words: readonly string[]) {
  asked.length = 0;
  let [stdout, stderr] = ["", ""];
  const env = { HOME: "/nonexistent", VAULT_TOKEN: "t", VAULT_ADDR: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  const exitCode = await main(words, { stdout: { write: (text) => (stdout += String(text)) }, stderr: { write: (text) => (stderr += String(text)) }, stdin: Readable.from([""]), env });
  return { exitCode, stdout, stderr };
}

test("a list with all folders, and a search, go on while the server says that there may be more", async () => {
  pages = { "": { keys: ["a/1"], next: "a/1" }, "a/1": { keys: [], next: "m" }, m: { keys: ["z"] } };
  assert.equal((await run("kv", "list", "-recursive", "secret/")).stdout, "Keys\n----\na/1\nz\n");
  assert.deepEqual(asked, ["/v1/secret/metadata?scan=true", "/v1/secret/metadata?after=a%2F1&scan=true", "/v1/secret/metadata?after=m&scan=true"]);
  assert.deepEqual(JSON.parse((await run("kv", "search", "-format=json", "-mount=secret", "app", "z*")).stdout), ["a/1", "z"]);
  assert.equal(asked[1], "/v1/secret/metadata/app?query=z*&after=a%2F1&scan=true");
});

test("a last page without anything ends the list; nothing at all is exit code 2", async () => {
  pages = { "": { keys: ["a"], next: "a" }, a: undefined };
  assert.deepEqual(await run("kv", "search", "secret/", "a"), { exitCode: 0, stdout: "Keys\n----\na\n", stderr: "" });
  pages = { "": { keys: [], next: "a" }, a: undefined };
  const { exitCode, stderr } = await run("kv", "search", "secret/", "a");
  assert.deepEqual([exitCode, stderr], [2, "No value found at secret/metadata\n"]);
});

test("a search says what it searches for", async () => {
  for (const words of [["secret/"], ["secret/", ""], []]) assert.equal((await run("kv", "search", ...words)).exitCode, 1, words.join());
});
