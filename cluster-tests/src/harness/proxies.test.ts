import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import test from "node:test";
import type { TestContext } from "node:test";
import { createProxies } from "./proxies.js";
import { until } from "./until.js";

const PATIENCE_MS = 20_000;
const LINE = new URL("./line-on-connect.js", import.meta.url).href;
/** What it hears goes to its output, what it is told by its input goes out. */
const CALLER = `
  const { connect } = require("node:net");
  const socket = connect({ host: "127.0.0.1", port: Number(process.argv[1]), allowHalfOpen: true });
  socket.on("connect", () => console.error("connected"));
  socket.on("end", () => console.error("ended"));
  socket.on("close", () => console.error("closed"));
  socket.on("error", (error) => console.error(error.code));
  process.stdin.pipe(socket).pipe(process.stdout);
`;

async function listening(t: TestContext): Promise<{ readonly server: Server; readonly port: number; readonly calls: Socket[]; heard(): string }> {
  const calls: Socket[] = [];
  let heard = "";
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    calls.push(socket);
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => (heard += bytes.toString()));
    socket.on("end", () => (heard += "(end)"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of calls) socket.destroy();
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port, calls, heard: () => heard };
}

/** Two nodes, of which the first calls the second. */
async function called(t: TestContext) {
  const network = createProxies();
  t.after(() => network.remove());
  const callee = await listening(t);
  const [caller] = [await network.place(0, [1]), await network.place(1, [callee.port])];
  const [command, ...args] = [...caller.inside, process.execPath, `--import=${LINE}`, "-e", CALLER, String(callee.port)];
  function call() {
    const child = spawn(command!, args, { stdio: ["pipe", "pipe", "pipe"] });
    t.after(() => child.kill("SIGKILL"));
    let [output, told] = ["", ""];
    child.stdout.on("data", (bytes: Buffer) => (output += bytes.toString()));
    child.stderr.on("data", (bytes: Buffer) => (told += bytes.toString()));
    return { child, say: (text: string) => void child.stdin.write(text), end: () => void child.stdin.end(), heard: () => output, told: () => told };
  }
  return { network, callee, call };
}

test("bytes pass both ways, through the caller's own line", async (t) => {
  const { callee, call } = await called(t);
  const caller = call();
  caller.say("hello");
  await until("it is heard", PATIENCE_MS, () => callee.heard() === "hello");
  assert.notEqual(callee.calls[0]!.remotePort, undefined);
  callee.calls[0]!.end("good day");
  await until("so is the answer", PATIENCE_MS, () => caller.heard() === "good day" && caller.told().includes("ended"));
  caller.say(", and bye");
  caller.end();
  await until("one side goes on after the other has ended", PATIENCE_MS, () => callee.heard() === "hello, and bye(end)");
});

test("one direction can be cut, and what was sent meanwhile arrives when it is mended, the end of it too", async (t) => {
  const { network, callee, call } = await called(t);
  const caller = call();
  caller.say("a");
  await until("it is heard", PATIENCE_MS, () => callee.heard() === "a");
  network.drop(0, 1);
  caller.say("b");
  caller.end();
  callee.calls[0]!.write("c");
  await until("the other direction goes on", PATIENCE_MS, () => caller.heard() === "c");
  assert.equal(callee.heard(), "a");
  network.heal();
  await until("the rest arrives", PATIENCE_MS, () => callee.heard() === "ab(end)");
});

test("while the answer's way is cut a question is heard, and its answer is not; a new call arrives nowhere while its own is", async (t) => {
  const { network, callee, call } = await called(t);
  const caller = call();
  caller.say("a");
  await until("it is heard", PATIENCE_MS, () => callee.heard() === "a");
  network.drop(1, 0);
  callee.calls[0]!.write("b");
  caller.say("c");
  await until("the question is heard", PATIENCE_MS, () => callee.heard() === "ac");
  assert.equal(caller.heard(), "");
  network.heal();
  await until("the answer arrives", PATIENCE_MS, () => caller.heard() === "b");
  network.isolate(1);
  const second = call();
  second.say("d");
  await until("it waits", PATIENCE_MS, () => second.told().includes("connected"));
  callee.calls[0]!.write("e");
  caller.say("f");
  await new Promise((wake) => setTimeout(wake, 100));
  assert.deepEqual([callee.calls.length, callee.heard(), caller.heard()], [1, "ac", "b"]);
  network.heal();
  await until("both calls are heard", PATIENCE_MS, () => callee.calls.length === 2 && callee.heard().includes("d") && callee.heard().includes("f") && caller.heard() === "be");
});

test("a slow line delivers in order, late, and as much as a quick one", async (t) => {
  const { network, callee, call } = await called(t);
  const caller = call();
  caller.say("a");
  await until("it is heard", PATIENCE_MS, () => callee.heard() === "a");
  network.delay(0, 1, 400);
  const begin = performance.now();
  for (let n = 0; n < 20; n++) {
    caller.say(`${n}.`);
    await new Promise((wake) => setTimeout(wake, 5));
  }
  await until("all is heard", PATIENCE_MS, () => callee.heard() === `a${Array.from({ length: 20 }, (_, n) => `${n}.`).join("")}`);
  assert.ok(performance.now() - begin >= 400);
  const huge = "x".repeat(4 * 1024 * 1024);
  network.heal();
  caller.say(huge);
  await until("more than a line holds passes", PATIENCE_MS, () => callee.heard().length > huge.length);
});

test("a port at which nobody listens refuses, and a caller that is killed is gone for the other side too", async (t) => {
  const { callee, call } = await called(t);
  const caller = call();
  caller.say("a");
  await until("it is heard", PATIENCE_MS, () => callee.heard() === "a");
  const gone = once(callee.calls[0]!, "end");
  caller.child.kill("SIGKILL");
  await Promise.race([gone, once(callee.calls[0]!, "close")]);
  callee.server.close();
  const second = call();
  await until("it is told", PATIENCE_MS, () => /ECONNRESET|EPIPE|closed/.test(second.told()));
});
