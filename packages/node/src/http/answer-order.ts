import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/*
 * HTTP/1.1 answers leave a connection in the order of their requests. Node sees to that for what its parser took in; whoever
 * writes beside it (an error of the parser, a connection that changes its parser) has to know what is still to come.
 */
const LATEST = Symbol("latest response");

interface Answering {
  [LATEST]?: ServerResponse;
}

/** Called for every HTTP/1.1 request. */
export function noteResponse(socket: Duplex, response: ServerResponse): void {
  (socket as Answering)[LATEST] = response;
}

const isOut = (response: ServerResponse) => response.writableFinished || response.destroyed;

/** Calls back once every request that this connection's parser took in is answered. */
export function whenAnswered(socket: Duplex, proceed: () => void): void {
  const latest = (socket as Answering)[LATEST];
  if (latest === undefined || isOut(latest)) proceed();
  else latest.once("close", proceed);
}

/** Whether bytes written now would not fall into the middle of an answer. */
export function isBetweenAnswers(socket: Duplex): boolean {
  const latest = (socket as Answering)[LATEST];
  // Without a socket it waits for its turn, behind an answer of which nothing is known here.
  return latest === undefined || isOut(latest) || (latest.socket !== null && (!latest.headersSent || latest.writableEnded));
}
