import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";

/** `too_large` leaves the rest unread. */
export type BodyOutcome = Buffer | "too_large" | "aborted" | "timeout";

export function hasBody(request: IncomingMessage): boolean {
  if (request.httpVersionMajor === 2) return !(request as unknown as Http2ServerRequest).stream.endAfterHeaders;
  const { "content-length": length, "transfer-encoding": encoding } = request.headers;
  return encoding !== undefined || (length !== undefined && length !== "0");
}

/** Collects at most `limit` bytes, for at most `timeoutMs` (0: as long as it takes). Never rejects. */
export function readBody(request: IncomingMessage, limit: number, timeoutMs: number): Promise<BodyOutcome> {
  if (Number(request.headers["content-length"]) > limit) return Promise.resolve("too_large");
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = timeoutMs > 0 ? setTimeout(() => settle("timeout"), timeoutMs) : undefined;
    const settle = (outcome: BodyOutcome) => {
      clearTimeout(timer);
      request.off("data", take).off("end", finish).off("close", abort);
      if (typeof outcome === "string") request.pause();
      resolve(outcome);
    };
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) settle("too_large");
      else chunks.push(chunk);
    };
    const finish = () => settle(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size));
    const abort = () => settle("aborted");
    // A connection that breaks is told by `close` too.
    request.on("data", take).on("end", finish).on("close", abort).on("error", () => {});
  });
}
