import { Agent, request } from "node:http";

const ASKERS = 4;
const PAUSE_MS = 2;

/** Calls over connections that stay open. Throws for any status but success; a list of nothing is undefined. */
export function createCaller(token) {
  const agent = new Agent({ keepAlive: true });
  return {
    async call({ address }, method, path, body) {
      const { status, text } = await send(agent, token, address, method, path, body);
      if (status >= 300 && !(status === 404 && method === "LIST")) throw new Error(`${path}: status ${status} ${text}`);
      return text === "" ? undefined : JSON.parse(text);
    },
    close: () => agent.destroy(),
  };
}

/** Asks until `isOver`, a few at a time, each after a pause, so that what they wait for is the node and not one another. Milliseconds, ascending. */
export async function latencies(isOver, ask) {
  const taken = [];
  await Promise.all(Array.from({ length: ASKERS }, async () => {
    while (!isOver()) {
      const begin = performance.now();
      await ask(taken.length);
      taken.push(performance.now() - begin);
      await new Promise((wake) => setTimeout(wake, PAUSE_MS));
    }
  }));
  return taken.sort((a, b) => a - b);
}

function send(agent, token, address, method, path, body) {
  return new Promise((done, fail) => {
    const verb = method === "LIST" ? "GET" : method;
    const req = request(`${address}/v1/${path}${method === "LIST" ? "?list=true" : ""}`, { agent, method: verb, headers: { "X-Vault-Token": token, "Content-Type": "application/json" } }, (res) => {
      let text = "";
      res.setEncoding("utf8").on("data", (chunk) => (text += chunk)).on("end", () => done({ status: res.statusCode, text }));
    });
    req.on("error", fail);
    req.end(body && JSON.stringify(body));
  });
}
