import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * What this project uses of Consul's HTTP API, in Consul's shapes and with its limits: KV (raw, keys, acquire, release),
 * sessions, transactions. Not Consul: one process, in memory, and sessions end when a test says so.
 */
export interface ConsulStandIn {
  /** host:port */
  readonly address: string;
  readonly keys: () => readonly string[];
  /** As when their time to live is over: their locks are free. */
  endSessions(): void;
  stop(): Promise<void>;
}

const MAX_TRANSACTION_BYTES = 512 * 1024;
const MAX_OPERATIONS = 64;

interface Row {
  value: Buffer;
  session: string | undefined;
}

interface TransactionOperation {
  readonly KV: { readonly Verb: string; readonly Key: string; readonly Value?: string; readonly Session?: string };
}

export async function startConsulStandIn(token?: string): Promise<ConsulStandIn> {
  const rows = new Map<string, Row>();
  const sessions = new Set<string>();

  const end = (session: string) => {
    sessions.delete(session);
    for (const row of rows.values()) if (row.session === session) row.session = undefined;
  };

  function kv(method: string, key: string, query: URLSearchParams, body: Buffer): [number, string | Buffer] {
    const row = rows.get(key);
    if (method === "GET" && query.has("keys")) {
      const found = [...rows.keys()].filter((one) => one.startsWith(key)).sort();
      return found.length === 0 ? [404, ""] : [200, JSON.stringify(found)];
    }
    if (method === "GET") return row ? [200, row.value] : [404, ""];
    const [acquire, release] = [query.get("acquire"), query.get("release")];
    if (acquire !== null) {
      if (!sessions.has(acquire)) return [500, `invalid session "${acquire}"`];
      if (row?.session !== undefined && row.session !== acquire) return [200, "false"];
      rows.set(key, { value: body, session: acquire });
      return [200, "true"];
    }
    if (release !== null) {
      if (row?.session !== release) return [200, "false"];
      rows.set(key, { value: body, session: undefined });
      return [200, "true"];
    }
    rows.set(key, { value: body, session: row?.session });
    return [200, "true"];
  }

  function transaction(body: Buffer): [number, string] {
    if (body.length > MAX_TRANSACTION_BYTES) return [413, `Request body(${body.length} bytes) too large, max size: ${MAX_TRANSACTION_BYTES} bytes.`];
    const operations = JSON.parse(body.toString()) as TransactionOperation[];
    if (operations.length > MAX_OPERATIONS) return [413, `Transaction contains too many operations (${operations.length} > ${MAX_OPERATIONS})`];
    for (const [i, { KV: { Verb, Key, Session } }] of operations.entries()) {
      if (Verb === "check-session" && rows.get(Key)?.session !== Session) return [409, JSON.stringify({ Results: null, Errors: [{ OpIndex: i, What: `failed session check for key "${Key}"` }] })];
    }
    for (const { KV: { Verb, Key, Value } } of operations) {
      if (Verb === "set") rows.set(Key, { value: Buffer.from(Value ?? "", "base64"), session: rows.get(Key)?.session });
      else if (Verb === "delete") rows.delete(Key);
    }
    return [200, JSON.stringify({ Results: [], Errors: null })];
  }

  function answer(method: string, url: URL, body: Buffer): [number, string | Buffer] {
    const path = url.pathname.split("/").slice(2).map(decodeURIComponent);
    const [group, ...rest] = path;
    if (group === "kv") return kv(method, rest.join("/"), url.searchParams, body);
    if (group === "txn") return transaction(body);
    const [action, session = ""] = rest;
    if (action === "create") {
      const ID = randomUUID();
      sessions.add(ID);
      return [200, JSON.stringify({ ID })];
    }
    if (action === "renew") return sessions.has(session) ? [200, JSON.stringify([{ ID: session }])] : [404, `Session id '${session}' not found`];
    end(session);
    return [200, "true"];
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const isAllowed = token === undefined || request.headers["x-consul-token"] === token;
    const [status, body] = isAllowed ? answer(request.method ?? "", new URL(request.url ?? "", "http://x"), Buffer.concat(chunks)) : [403, "Permission denied"];
    response.writeHead(status).end(body);
  }

  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    keys: () => [...rows.keys()].sort(),
    endSessions: () => [...sessions].forEach(end),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
