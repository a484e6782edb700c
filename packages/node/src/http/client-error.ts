import type { Duplex } from "node:stream";
import { isBetweenAnswers } from "./answer-order.js";
import type { ParserError } from "./verb-lane.js";

const ANSWERS: Readonly<Record<string, readonly [status: string, message: string]>> = Object.freeze({
  HPE_HEADER_OVERFLOW: ["431 Request Header Fields Too Large", "the request's headers are too large"],
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "the request did not arrive in time"],
});
const BAD_REQUEST = ["400 Bad Request", "the request is not valid HTTP"] as const;

/** So long may a client take to read why its connection is closed. */
const LINGER_MS = 1_000;

/** Tells a client whose bytes are no request that they are none, where that is still possible, and closes the connection. */
export function answerClientError(error: ParserError, socket: Duplex): void {
  if (!socket.writable || !isBetweenAnswers(socket)) return void socket.destroy();
  const [status, message] = ANSWERS[error.code ?? ""] ?? BAD_REQUEST;
  const body = `${JSON.stringify({ errors: [message] })}\n`;
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(timer)).write(`HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`, () => socket.destroy());
}
