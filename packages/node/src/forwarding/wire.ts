import { CLIENT_OPTIONS } from "@coffer/raft";
import { RequestError } from "@coffer/state-machine";
import type { ApiRequest, ApiResponse, Client } from "@coffer/state-machine";
import { answerType, questionType } from "./service.js";
import type { UploadChunk } from "./upload.js";

/** One question or answer. A larger one would break the stream, and with it everything else that is out. */
export const MAX_PAYLOAD_BYTES = Number(CLIENT_OPTIONS["grpc.max_send_message_length"]) - 1024;

/** A node as it tells the others about itself. */
export interface Echo {
  readonly nodeId: string;
  readonly apiAddress: string;
  readonly clusterAddress: string;
  readonly hostname: string;
  readonly version: string;
}

export type Question =
  /** `upload`: its body comes in chunks under this name. */
  | { readonly kind: "request"; readonly request: ApiRequest; readonly upload?: string }
  | { readonly kind: "chunk"; readonly chunk: UploadChunk }
  | { readonly kind: "clients"; readonly clients: readonly Client[] }
  | { readonly kind: "echo"; readonly echo: Echo };

export type Answer =
  | { readonly kind: "response"; readonly response: ApiResponse }
  /** Nothing was done: ask the node that leads now. */
  | { readonly kind: "not-active" }
  /** Of a chunk: go on. Of clients: they are not to be told again. */
  | { readonly kind: "taken" }
  /** Of a chunk: nobody reads it (any more). */
  | { readonly kind: "unwanted" }
  | { readonly kind: "echo"; readonly echo: Echo };

interface WireEcho {
  node_id: string;
  api_address: string;
  cluster_address: string;
  hostname: string;
  version: string;
}

interface WireClient {
  id: string;
  is_entity: boolean;
  mount_uuid: string;
  first_ms: number;
}

interface WireHeader {
  name: string;
  value: string;
}

interface WireRequest {
  id: string;
  operation: string;
  path: string;
  query: { name: string; values: string[] }[];
  body: Uint8Array;
  content_type: string;
  token: string;
  headers: WireHeader[];
  remote_address: string;
  remote_port: number;
  client_certificate: Uint8Array;
  client_intermediates: Uint8Array[];
  forwarded_from: string;
  upload: string;
  token_only: boolean;
}

interface WireChunk {
  upload: string;
  bytes: Uint8Array;
  state: string;
}

interface WireResponse {
  status: number;
  headers: WireHeader[];
  content_type: string;
  body: Uint8Array;
  index: number;
}

type WireQuestion = { kind?: "request" | "echo" | "chunk" | "clients"; request?: WireRequest; echo?: WireEcho; chunk?: WireChunk; clients?: { clients: WireClient[] } };
type WireAnswer = { kind?: "response" | "not_active" | "echo" | "taken"; response?: WireResponse; not_active?: boolean; echo?: WireEcho; taken?: boolean };

const echoToWire = (echo: Echo): WireEcho => ({ node_id: echo.nodeId, api_address: echo.apiAddress, cluster_address: echo.clusterAddress, hostname: echo.hostname, version: echo.version });
const echoFromWire = (echo: WireEcho): Echo => ({ nodeId: echo.node_id, apiAddress: echo.api_address, clusterAddress: echo.cluster_address, hostname: echo.hostname, version: echo.version });

const clientToWire = ({ id, kind, mountUuid, firstMs }: Client): WireClient => ({ id, is_entity: kind === "entity", mount_uuid: mountUuid, first_ms: firstMs });
const clientFromWire = (wire: WireClient): Client => ({ id: wire.id, kind: wire.is_entity ? "entity" : "non-entity-token", mountUuid: wire.mount_uuid, firstMs: wire.first_ms });

const headersToWire = (headers: Readonly<Record<string, string>>): WireHeader[] => Object.entries(headers).map(([name, value]) => ({ name, value }));
const headersFromWire = (headers: readonly WireHeader[]): Record<string, string> => Object.fromEntries(headers.map(({ name, value }) => [name, value]));

const OPERATIONS: readonly string[] = ["read", "head", "help", "update", "patch", "delete", "list", "scan"] satisfies ApiRequest["operation"][];

function operationFromWire(name: string): ApiRequest["operation"] {
  if (!OPERATIONS.includes(name)) throw new Error(`a request of operation ${JSON.stringify(name)} came, which this version does not know`);
  return name as ApiRequest["operation"];
}

function requestToWire(request: ApiRequest, upload: string): WireRequest {
  return {
    id: request.id,
    operation: request.operation,
    path: request.path,
    query: Object.entries(request.query).map(([name, value]) => ({ name, values: typeof value === "string" ? [value] : [...value] })),
    body: request.body,
    content_type: request.contentType,
    token: request.token ?? "",
    headers: headersToWire(request.headers),
    remote_address: request.remoteAddress,
    remote_port: request.remotePort,
    client_certificate: request.clientCertificate ?? new Uint8Array(0),
    client_intermediates: [...(request.clientIntermediates ?? [])],
    forwarded_from: request.forwardedFrom ?? "",
    upload,
    token_only: request.tokenOnly ?? false,
  };
}

function requestFromWire(wire: WireRequest): ApiRequest {
  return {
    id: wire.id,
    operation: operationFromWire(wire.operation),
    path: wire.path,
    query: Object.fromEntries(wire.query.map(({ name, values }) => [name, values.length === 1 ? values[0]! : values])),
    body: wire.body,
    contentType: wire.content_type,
    token: wire.token === "" ? undefined : wire.token,
    headers: headersFromWire(wire.headers),
    remoteAddress: wire.remote_address,
    remotePort: wire.remote_port,
    ...(wire.client_certificate.length > 0 && { clientCertificate: wire.client_certificate }),
    ...(wire.client_intermediates.length > 0 && { clientIntermediates: wire.client_intermediates }),
    ...(wire.forwarded_from !== "" && { forwardedFrom: wire.forwarded_from }),
    ...(wire.token_only && { tokenOnly: true }),
  };
}

/** Throws RequestError for an answer that is a stream: those are redirected, never forwarded. */
function responseToWire(response: ApiResponse): WireResponse {
  const { body } = response;
  if (body !== null && typeof body !== "string" && !(body instanceof Uint8Array)) throw new RequestError("internal", "this answer is a stream, which is not forwarded; ask the active node");
  return { status: response.status, headers: headersToWire(response.headers), content_type: response.contentType, body: typeof body === "string" ? Buffer.from(body) : (body ?? new Uint8Array(0)), index: response.index };
}

function responseFromWire(wire: WireResponse): ApiResponse {
  return { status: wire.status, headers: headersFromWire(wire.headers), contentType: wire.content_type, body: wire.body.length === 0 ? null : wire.body, index: wire.index };
}

export function encodeQuestion(question: Question): Uint8Array {
  switch (question.kind) {
    case "request":
      return questionType.serialize({ request: requestToWire(question.request, question.upload ?? "") });
    case "chunk":
      return questionType.serialize({ chunk: question.chunk });
    case "clients":
      return questionType.serialize({ clients: { clients: question.clients.map(clientToWire) } });
    case "echo":
      return questionType.serialize({ echo: echoToWire(question.echo) });
  }
}

/** Throws for what is no question of this version. */
export function decodeQuestion(bytes: Uint8Array): Question {
  const wire = questionType.deserialize(Buffer.from(bytes)) as WireQuestion;
  if (wire.kind === "request" && wire.request) return { kind: "request", request: requestFromWire(wire.request), ...(wire.request.upload !== "" && { upload: wire.request.upload }) };
  if (wire.kind === "chunk" && wire.chunk && isChunkState(wire.chunk.state)) return { kind: "chunk", chunk: { upload: wire.chunk.upload, bytes: wire.chunk.bytes, state: wire.chunk.state } };
  if (wire.kind === "clients" && wire.clients) return { kind: "clients", clients: wire.clients.clients.map(clientFromWire) };
  if (wire.kind === "echo" && wire.echo) return { kind: "echo", echo: echoFromWire(wire.echo) };
  throw new Error("a question came that this version does not know");
}

function isChunkState(text: string): text is UploadChunk["state"] {
  return text === "more" || text === "end" || text === "broken";
}

export function encodeAnswer(answer: Answer): Uint8Array {
  switch (answer.kind) {
    case "echo":
      return answerType.serialize({ echo: echoToWire(answer.echo) });
    case "not-active":
      return answerType.serialize({ not_active: true });
    case "taken":
    case "unwanted":
      return answerType.serialize({ taken: answer.kind === "taken" });
    case "response":
      return answerType.serialize({ response: responseToWire(answer.response) });
  }
}

/** Throws for what is no answer of this version: whether anything was done is then not known. */
export function decodeAnswer(bytes: Uint8Array): Answer {
  const wire = answerType.deserialize(Buffer.from(bytes)) as WireAnswer;
  if (wire.kind === "response" && wire.response) return { kind: "response", response: responseFromWire(wire.response) };
  if (wire.kind === "echo" && wire.echo) return { kind: "echo", echo: echoFromWire(wire.echo) };
  if (wire.kind === "taken") return { kind: wire.taken === true ? "taken" : "unwanted" };
  // Only this says that nothing was done.
  if (wire.kind === "not_active") return { kind: "not-active" };
  throw new Error("an answer came that this version does not know");
}
