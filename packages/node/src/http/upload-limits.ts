import type { IncomingMessage } from "node:http";

/**
 * Calls `late` once when a body that is handed over as a stream has not moved for `silenceMs` (0: it may take for ever): however
 * long it takes in all, a slow line is none of the client's fault. Waiting for this node to read on does not count either.
 * HTTP/2 limits the silence of its whole connection instead.
 */
export function limitSilence(request: IncomingMessage, silenceMs: number, late: () => void): void {
  if (silenceMs <= 0 || request.httpVersionMajor === 2) return;
  let seen = request.socket.bytesRead;
  const timer = setInterval(() => {
    const isMoving = request.socket.bytesRead !== seen || request.readableLength > 0;
    seen = request.socket.bytesRead;
    if (!isMoving) {
      clearInterval(timer);
      late();
    }
  }, silenceMs);
  timer.unref();
  request.once("end", () => clearInterval(timer)).once("close", () => clearInterval(timer));
}

/** Closes the connection unless the body is there in time (0: it may take for ever): of a request that nobody reads, or whose reader knows no limit. */
export function limitBody(request: IncomingMessage, milliseconds: number): void {
  if (milliseconds <= 0 || request.complete || request.httpVersionMajor === 2) return;
  const timer = setTimeout(() => request.complete || request.socket.destroy(), milliseconds).unref();
  request.once("close", () => clearTimeout(timer));
}
