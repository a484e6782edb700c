import { readFileSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";

/**
 * Preloaded into a node under test, on all of its threads: where its folder of lines has one to a port, a connection to that port takes it. A
 * file is named by the port of another node and holds that of the proxy; nodes that join later add theirs.
 */
export const LINES = "COFFER_TEST_LINES";
const folder = process.env[LINES];

function lineTo(port: number): number | undefined {
  try {
    return Number(readFileSync(join(folder!, String(port)), "utf8"));
  } catch {
    return undefined;
  }
}

/** The options as `net` gives them, itself (in a list with the callback) or for `tls`. */
function redirected(options: unknown): unknown {
  if (typeof options !== "object" || options === null || !("port" in options)) return options;
  const port = lineTo(Number(options.port));
  return port === undefined ? options : { ...options, port };
}

if (folder !== undefined) {
  const connect = Socket.prototype.connect as (this: Socket, ...args: unknown[]) => Socket;
  Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
    const [first] = args;
    // The list is marked as one by `net`, so it is changed in place.
    if (Array.isArray(first)) first[0] = redirected(first[0]);
    else args[0] = redirected(first);
    return connect.apply(this, args);
  } as typeof Socket.prototype.connect;
}
