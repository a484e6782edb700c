import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { whenAnswered } from "./answer-order.js";

/*
 * Vault's API has methods that Node's HTTP/1.1 parser refuses before anyone sees the request. When it does, the connection
 * gets a second life: the bytes from that request on go to a new parser over a Duplex (a lane) that stands in front of the
 * same socket, with a method the parser knows in place of the refused one. The lane's first request is known to be that one;
 * nothing has to guess where requests begin, and connections that never send such a method are not touched at all. When
 * the lane's parser refuses a later request, another lane takes its place.
 */

/** Known to the parser, part of nobody's API, and as long as the methods it stands for. */
export const STAND_IN = "LINK";

interface ForeignVerb {
  readonly verb: string;
  /** What the parser has swallowed when it refuses the next letter, thinking of LINK, SEARCH or HEAD. */
  readonly swallowed: string;
}

const FOREIGN_VERBS: readonly ForeignVerb[] = [
  { verb: "LIST", swallowed: "LI" },
  { verb: "SCAN", swallowed: "S" },
  { verb: "HELP", swallowed: "HE" },
];
/** Here the parser is in the middle of UNLINK, UNSUBSCRIBE, M-SEARCH or CHECKOUT, or behind OPTIONS: UNLIST is not LIST. */
const OTHER_WORD = /(?:UNLI|UNS|M-S|CHE|IONS)$/;
const REMEMBERED_BYTES = 4;

/** What `clientError` tells of a parser's complaint. */
export interface ParserError extends Error {
  readonly code?: string;
  readonly reason?: string;
  /** Where in `rawPacket` it happened. */
  readonly bytesParsed?: number;
  readonly rawPacket?: Buffer;
}

/** One socket and the lane that now speaks for it. */
interface Junction {
  readonly socket: Socket;
  lane: Duplex;
  /** What its first request really is; undefined once that is told. */
  verb: string | undefined;
  /** How many bytes of the verb, and of the space after it, have been replaced. */
  replaced: number;
  /** The last bytes that the lane's parser took in before the present chunk. */
  before: string;
  hasEnded: boolean;
}

export interface VerbLanes {
  /** The method that the client sent, of a request that came in as `STAND_IN`. Asked once a request. */
  verbOf(request: IncomingMessage): string;
  /** Takes a `clientError` in hand; false: it is another one, for the caller to answer. */
  rescue(error: ParserError, socket: Duplex): boolean;
}

/** `admit` hands a lane to the HTTP server as it would a new connection. */
export function createVerbLanes(admit: (lane: Duplex) => void): VerbLanes {
  const junctions = new WeakMap<Duplex, Junction>();
  /** Their parsers are out of the game, but may still complain: of a timeout, of the connection's end. */
  const retired = new WeakSet<Duplex>();

  return {
    verbOf(request) {
      const junction = junctions.get(request.socket);
      const verb = junction?.lane === request.socket ? junction.verb : undefined;
      if (junction && verb !== undefined) junction.verb = undefined;
      return verb ?? STAND_IN;
    },
    rescue(error, socket) {
      if (retired.has(socket)) return true;
      const { rawPacket, bytesParsed } = error;
      if (error.code !== "HPE_INVALID_METHOD" || rawPacket === undefined || bytesParsed === undefined) return false;
      const junction = junctions.get(socket);
      const found = foreignVerb(rawPacket, bytesParsed, junction?.before);
      if (found === undefined) return false;
      divert(socket, junction, found, rawPacket);
      return true;
    },
  };

  function divert(from: Duplex, known: Junction | undefined, { verb, start }: Found, packet: Buffer): void {
    retired.add(from);
    from.removeAllListeners("data");
    const junction = known ?? newJunction(from as Socket);
    const lane = createLane(junction);
    junctions.set(lane, junction);
    Object.assign(junction, { lane, verb, replaced: Math.max(0, -start), before: "" });
    if (start < 0) lane.push(STAND_IN.slice(0, -start), "latin1");
    feed(junction, start > 0 ? packet.subarray(start) : packet);
    if (from !== junction.socket) moveUnread(from, junction);
    if (junction.hasEnded) lane.push(null);
    whenAnswered(from, () => {
      if (from !== junction.socket) from.destroy();
      if (junction.socket.destroyed) return;
      admit(lane);
      // After the parser's own listener: while that complains, this is still what came before.
      lane.on("data", (chunk: Buffer) => (junction.before = (junction.before + chunk.toString("latin1", Math.max(0, chunk.length - REMEMBERED_BYTES))).slice(-REMEMBERED_BYTES)));
    });
  }
}

interface Found {
  readonly verb: string;
  /** Where in the packet it begins; negative: so many of its bytes came with the packet before. */
  readonly start: number;
}

/**
 * Which verb the parser stumbled over. `before` is what came ahead of the packet, where that is known: for a connection's
 * first parser it is not, and a verb whose head is in an earlier packet is told from its tail alone. (What else could end
 * so is no method of anybody's, and would be taken for a read.)
 */
export function foreignVerb(packet: Buffer, at: number, before: string | undefined): Found | undefined {
  const swallowed = (before ?? "") + packet.toString("latin1", Math.max(0, at - REMEMBERED_BYTES), at);
  const isWhole = before !== undefined && before !== "";
  for (const { verb, swallowed: head } of FOREIGN_VERBS) {
    if (packet[at] !== verb.charCodeAt(head.length)) continue;
    const fits = swallowed.length >= head.length || isWhole ? swallowed.endsWith(head) : head.endsWith(swallowed);
    if (fits && !OTHER_WORD.test(swallowed)) return { verb, start: at - head.length };
  }
  return undefined;
}

function newJunction(socket: Socket): Junction {
  const junction: Junction = { socket, lane: socket, verb: undefined, replaced: 0, before: "", hasEnded: false };
  // Node's own reading of the socket ends where someone listens to its data.
  socket.on("data", (chunk: Buffer) => feed(junction, chunk));
  socket.on("end", () => {
    junction.hasEnded = true;
    junction.lane.push(null);
  });
  socket.on("close", () => junction.lane.destroy());
  return junction;
}

function feed(junction: Junction, chunk: Buffer): void {
  if (junction.replaced <= STAND_IN.length) disguise(junction, chunk);
  if (!junction.lane.push(chunk)) junction.socket.pause();
}

/** Replaces the verb as far as it is in this chunk. Where another word comes out, nothing stands in for anything. */
function disguise(junction: Junction, chunk: Buffer): void {
  const wanted = `${junction.verb} `;
  for (let at = 0; at < chunk.length && junction.replaced < wanted.length; at++, junction.replaced++) {
    if (chunk[at] !== wanted.charCodeAt(junction.replaced)) {
      junction.verb = undefined;
      junction.replaced = Infinity;
      return;
    }
    if (junction.replaced < STAND_IN.length) chunk[at] = STAND_IN.charCodeAt(junction.replaced);
  }
}

/** What an earlier lane holds, but its parser has not seen. */
function moveUnread(from: Duplex, junction: Junction): void {
  from.pause();
  for (let chunk = from.read() as Buffer | null; chunk !== null; chunk = from.read() as Buffer | null) feed(junction, chunk);
}

function createLane(junction: Junction): Duplex {
  const { socket } = junction;
  const lane = new Duplex({
    decodeStrings: false,
    read: () => void (junction.lane === lane && socket.resume()),
    write: (chunk: Buffer | string, encoding, done) => void socket.write(chunk, encoding, done),
    writev: (chunks, done) => {
      socket.cork();
      chunks.forEach(({ chunk, encoding }, at) => socket.write(chunk as Buffer | string, encoding, at === chunks.length - 1 ? done : undefined));
      socket.uncork();
    },
    final: (done) => void socket.end(done),
    destroy: (error, done) => {
      if (junction.lane === lane) socket.destroy();
      done(error);
    },
  });
  const { remoteAddress, remotePort } = socket;
  return Object.assign(lane, {
    remoteAddress,
    remotePort,
    ...("getPeerX509Certificate" in socket && { encrypted: true, getPeerX509Certificate: () => (socket as TLSSocket).getPeerX509Certificate() }),
    setTimeout: (milliseconds: number) => {
      socket.setTimeout(milliseconds);
      return lane;
    },
    destroySoon: () => {
      lane.end();
      if (lane.writableFinished) lane.destroy();
      else lane.once("finish", () => lane.destroy());
    },
  });
}
