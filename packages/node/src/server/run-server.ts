import { writeFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";
import { HclError } from "@coffer/hcl";
import { ConfigurationError, loadConfiguration } from "../configuration/index.js";
import type { Configuration } from "../configuration/types.js";
import { startListener } from "../http/listener.js";
import type { RunningListener } from "../http/listener.js";
import { createPages } from "../http/pages.js";
import { createLogging, isLevel } from "../logging/logger.js";
import type { Logging } from "../logging/logger.js";
import { logRuntimeWarnings } from "../logging/runtime-warnings.js";
import { devConfiguration } from "./dev-configuration.js";
import { setUpDevServer } from "./dev-setup.js";
import { startNode } from "./node.js";
import type { CofferNode } from "./node.js";
import { startRecoveryNode } from "./recovery.js";
import type { ServedNode } from "./recovery.js";
import { API_VERSION } from "./version.js";

export interface ServerOptions {
  readonly dev?: {
    /** The root token to use; made up where undefined. */
    readonly rootTokenId: string | undefined;
    /** host:port */
    readonly listenAddress: string;
    readonly tls: boolean;
    /** Keeps the root token for this user's later commands; undefined where they asked not to. */
    readonly storeToken: ((token: string) => Promise<void>) | undefined;
  };
  readonly configPaths: readonly string[];
  /** Serves sys/raw alone, on what this node's own disk holds. */
  readonly recovery?: boolean;
  readonly logLevel: string | undefined;
  readonly logFormat: string | undefined;
}

/** Requests in flight get this long at the end. Milliseconds. */
const DRAIN_MS = 10_000;
/** Then a handler that hangs, and the view of the state that it holds, is left behind. Milliseconds. */
const STOP_MS = 10_000;
/** Other nodes get this long for the answers that they wait for; they give up on a former leader in three seconds themselves. */
const LEAVE_MS = 4000;
const LINGER_MS = 1000;

/** Below so many processors V8's helper threads only take time from the event loops that they are to help. */
const PARALLEL_GC_CORES = 4;

/** Runs a server until it is told to stop. Resolves with the exit code: 0 after SIGTERM or SIGINT, 1 when it could not go on. */
export async function runServer(options: ServerOptions): Promise<number> {
  if (availableParallelism() < PARALLEL_GC_CORES) setFlagsFromString("--no-parallel-scavenge");
  let configuration: Configuration;
  let caFile: string | undefined;
  try {
    if (options.dev) ({ configuration, caFile } = await devConfiguration(options.dev.listenAddress, options.dev.tls));
    else configuration = loadConfiguration(options.configPaths);
  } catch (error) {
    if (!(error instanceof HclError) && !(error instanceof ConfigurationError)) throw error;
    console.error(`the configuration cannot be used:\n  ${error.message}`);
    return 1;
  }
  const level = (options.logLevel ?? configuration.logLevel).toLowerCase();
  if (!isLevel(level)) {
    console.error(`log level ${JSON.stringify(level)} is not known: trace, debug, info, warn or error`);
    return 1;
  }
  const logging = createLogging({ level, format: options.logFormat === "json" ? "json" : configuration.logFormat, file: configuration.logFile });
  return new Promise((resolve) => void serve(options, configuration, caFile, logging, resolve));
}

async function serve(options: ServerOptions, configuration: Configuration, caFile: string | undefined, logging: Logging, exit: (code: number) => void): Promise<void> {
  const logger = logging.logger("server");
  const endWarnings = logRuntimeWarnings(logging.logger("core"));
  for (const warning of configuration.warnings) logger.warn(warning);
  let node: ServedNode | undefined;
  const listeners: RunningListener[] = [];
  let stopping = false;

  async function stop(code: number, reason: string, drainMs: number): Promise<void> {
    if (stopping) return;
    stopping = true;
    logger.info("stopping", { reason });
    const isClean = await within(drainMs + STOP_MS, async () => {
      // Leadership first: the others go on serving while this node's last requests end.
      await node?.stepDown();
      await Promise.all([node?.questionsAnswered(Math.min(drainMs, LEAVE_MS)), ...listeners.map((listener) => listener.close(drainMs))]);
      await node?.stop();
    }).catch((error: unknown) => logger.error("this node did not stop cleanly", { reason: reasonOf(error) }));
    if (configuration.pidFile !== undefined) rmSync(configuration.pidFile, { force: true });
    logger.info("stopped");
    for (const [signal, handler] of Object.entries(signals)) process.off(signal, handler);
    endWarnings();
    exit(isClean ? code : 1);
    // What hangs may keep the process alive.
    if (!isClean) setTimeout(() => process.exit(1), LINGER_MS).unref();
  }

  const signals: Readonly<Record<string, () => void>> = {
    SIGTERM: () => void stop(0, "SIGTERM", DRAIN_MS),
    SIGINT: () => void stop(0, "SIGINT", DRAIN_MS),
    SIGHUP() {
      logger.info("reloading certificates, log level and audit files");
      for (const listener of listeners) listener.reload();
      logging.reopen();
      node?.reopenAudit();
      if (!options.dev) reloadLevel(options, logging);
    },
  };

  try {
    const common = {
      configuration,
      logging,
      onFatal(message: string) {
        logger.error("this node cannot go on", { reason: message });
        void stop(1, "consensus has stopped", DRAIN_MS);
      },
    };
    const whole = options.recovery ? undefined : await startNode({ ...common, ...(options.dev?.rootTokenId !== undefined && { rootTokenText: options.dev.rootTokenId }) });
    node = whole ?? (await startRecoveryNode(common));
    // Consensus may have failed meanwhile, and this node been given up.
    if (stopping) return await node.stop();
    for (const listener of configuration.listeners) {
      listeners.push(await startListener({ listener, application: node.application, logger: logging.logger("http"), other: createPages({ ui: configuration.ui }) }));
    }
    if (configuration.pidFile !== undefined) writeFileSync(configuration.pidFile, `${process.pid}\n`);
    // Before anybody is told: who waits for that may send one at once.
    if (!stopping) for (const [signal, handler] of Object.entries(signals)) process.on(signal, handler);
    announce(configuration, listeners, options.recovery ?? false);
    if (options.dev && whole) await announceDev(options.dev, whole, caFile);
  } catch (error) {
    logger.error("the server could not start", { reason: reasonOf(error) });
    await stop(1, "it could not start", 0);
    return;
  }
}

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** True once `work` is done; rejects when that takes longer, for whatever it then waits for. */
async function within(milliseconds: number, work: () => Promise<void>): Promise<true> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error("it took too long")), milliseconds)));
  try {
    await Promise.race([work(), late]);
    return true;
  } finally {
    clearTimeout(timer);
  }
}

function reloadLevel(options: ServerOptions, logging: Logging): void {
  try {
    if (options.logLevel === undefined) logging.setLevel(undefined, loadConfiguration(options.configPaths).logLevel);
  } catch (error) {
    logging.logger("server").error("the configuration cannot be read again; the log level stays", { reason: reasonOf(error) });
  }
}

function announce(configuration: Configuration, listeners: readonly RunningListener[], isRecovery: boolean): void {
  const { storage } = configuration;
  const rows: [string, string][] = [
    ["Api Address", configuration.apiAddress],
    ...(storage.type === "raft" ? [["Cluster Address", configuration.clusterAddress] as [string, string]] : []),
    ...listeners.map(({ address }, i): [string, string] => [`Listener ${i + 1}`, `tcp (addr: "${address}", tls: "${configuration.listeners[i]!.tls ? "enabled" : "disabled"}")`]),
    ["Log Level", configuration.logLevel],
    ...(isRecovery ? [["Recovery Mode", "true"] as [string, string]] : []),
    ...(configuration.seals.length > 0 ? [["Seals", configuration.seals.map(({ name, type, disabled }) => `${name === type ? type : `${name} (${type})`}${disabled ? ", disabled" : ""}`).join("; ")] as [string, string]] : []),
    ["Storage", storage.type === "raft" ? `raft (node: ${storage.nodeId}, path: ${storage.path})` : storage.type],
    ["Version", `Coffer, speaking the API of Vault ${API_VERSION}`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  console.log(`==> Coffer server configuration:\n\n${rows.map(([name, value]) => `${name.padStart(width + 4)}: ${value}`).join("\n")}\n\n==> Coffer server started! Log data will stream in below:\n`);
}

async function announceDev(dev: NonNullable<ServerOptions["dev"]>, node: CofferNode, caFile: string | undefined): Promise<void> {
  const { rootToken, unsealKey } = await setUpDevServer(node);
  await dev.storeToken?.(rootToken);
  const scheme = dev.tls ? "https" : "http";
  console.log(`WARNING! This is a dev server: it keeps everything in memory, is unsealed, and
forgets all when it ends. Never keep anything real in it.

In another terminal:

    $ export VAULT_ADDR='${scheme}://${dev.listenAddress}'
${caFile === undefined ? "" : `    $ export VAULT_CACERT='${caFile}'\n`}    $ export VAULT_TOKEN='${rootToken}'
    $ coffer kv put secret/hello greeting=world

Unseal Key: ${unsealKey}
Root Token: ${rootToken}
`);
}
