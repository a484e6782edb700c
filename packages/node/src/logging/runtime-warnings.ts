import type { Logger } from "./logger.js";

/**
 * What Node and libraries warn of goes into the log, in its format and in one line each, and no longer past it to stderr. Gives what
 * ends that.
 */
export function logRuntimeWarnings(logger: Logger): () => void {
  const usual = process.listeners("warning");
  const log = ({ name, message }: Error) => logger.warn("a warning of the runtime", { name, message: message.replace(/\s+/g, " ").trim() });
  for (const listener of usual) process.off("warning", listener);
  process.on("warning", log);
  return () => {
    process.off("warning", log);
    for (const listener of usual) process.on("warning", listener);
  };
}
