import type { Readable } from "node:stream";
import type { ApiRequest, ApiResponse, CorsConfig } from "@coffer/state-machine";
import type { Listener } from "../../configuration/types.js";
import type { Logger } from "../../logging/logger.js";
import type { ApiApplication } from "../application.js";
import { createInFlight } from "../in-flight.js";
import type { InFlight } from "../in-flight.js";
import { startListener } from "../listener.js";
import type { ListenerOptions, RunningListener } from "../listener.js";

export type Echo = Omit<ApiRequest, "body" | "clientCertificate" | "stream"> & { readonly body: string; readonly certificateBytes: number };

export const NOT_CORS: CorsConfig = { enabled: false, allowed_origins: [], allowed_headers: [] };

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): ApiResponse {
  return { status, headers, contentType: "application/json", body: `${JSON.stringify(body)}\n`, index: 7 };
}

export function echo(request: ApiRequest): ApiResponse {
  const { body, clientCertificate, stream: _stream, ...rest } = request;
  return json(200, { ...rest, body: Buffer.from(body).toString(), certificateBytes: clientCertificate?.length ?? 0 });
}

export interface EchoApplication extends ApiApplication {
  readonly requests: InFlight;
}

/** Stands for all that is behind HTTP: answers with the request it was given, unless told otherwise. */
export function echoApplication(overrides: Partial<Omit<ApiApplication, "requests">> = {}): EchoApplication {
  return {
    takesStream: () => false,
    handle: echo,
    cors: () => NOT_CORS,
    stateHeader: (index) => `state-${index}`,
    headers: { "X-Vault-Raft-Node-ID": "n1" },
    requests: createInFlight(() => 0),
    ...overrides,
  };
}

export function plainListener(overrides: Partial<Listener> = {}): Listener {
  return {
    address: "127.0.0.1:0",
    clusterAddress: undefined,
    tls: undefined,
    maxRequestSize: 1024,
    maxRequestDuration: 60,
    readHeaderTimeout: 10,
    readTimeout: 30,
    idleTimeout: 60,
    trustedProxies: [],
    unauthenticatedMetrics: false,
    tokenOnly: [],
    ...overrides,
  };
}

export interface Lines extends Logger {
  readonly lines: string[];
}

export function memoryLogger(): Lines {
  const lines: string[] = [];
  const log: Logger["log"] = (level, message, fields = {}) => void lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  return {
    lines,
    log,
    trace: (message, fields) => log("trace", message, fields),
    debug: (message, fields) => log("debug", message, fields),
    info: (message, fields) => log("info", message, fields),
    warn: (message, fields) => log("warn", message, fields),
    error: (message, fields) => log("error", message, fields),
  };
}

export interface Serving extends RunningListener {
  readonly application: EchoApplication;
  readonly logger: Lines;
  readonly port: number;
}

interface After {
  after(fn: () => Promise<void>): void;
}

/** Closed when the test ends. */
export async function serve(test: After, options: { readonly application?: EchoApplication; readonly listener?: Partial<Listener>; readonly other?: ListenerOptions["other"] } = {}): Promise<Serving> {
  const application = options.application ?? echoApplication();
  const logger = memoryLogger();
  const running = await startListener({ listener: plainListener(options.listener), application, logger, ...(options.other && { other: options.other }) });
  test.after(() => running.close(0));
  return { ...running, application, logger, port: Number(running.address.split(":").at(-1)) };
}

export function collect(stream: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", () => resolve(Buffer.concat(chunks))).on("error", reject);
  });
}
