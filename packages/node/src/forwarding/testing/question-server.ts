import grpc from "@grpc/grpc-js";
import { createCa, createNodeKey, issueNodeCertificate } from "../../certificates/certificates.js";
import { CLIENT_OPTIONS } from "@coffer/raft";
import type { ClusterTls } from "../connection.js";
import { createQuestionService } from "../server.js";

/** A CA, and a certificate of it. */
export async function clusterTls(): Promise<ClusterTls> {
  const ca = await createCa("test cluster");
  const { key, publicKey } = await createNodeKey();
  return { ca: ca.certificate, certificate: await issueNodeCertificate(ca, "n", publicKey), key };
}

export interface QuestionServer {
  readonly port: number;
  readonly address: string;
  readonly left: (graceMs: number) => Promise<void>;
  stop(): void;
}

export type Ask = (payload: Uint8Array) => Promise<Uint8Array>;

/** A cluster port that serves questions and nothing else. */
export async function serveAsk(tls: ClusterTls, ask: Ask, { port = 0, clusterId = "c1" } = {}): Promise<QuestionServer> {
  const server = new grpc.Server({ "grpc.max_receive_message_length": CLIENT_OPTIONS["grpc.max_receive_message_length"]!, "grpc.max_send_message_length": CLIENT_OPTIONS["grpc.max_send_message_length"]! });
  const service = createQuestionService(clusterId, ask);
  service.serve(server);
  const credentials = grpc.ServerCredentials.createSsl(Buffer.from(tls.ca), [{ cert_chain: Buffer.from(tls.certificate), private_key: Buffer.from(tls.key) }], true);
  const bound = await new Promise<number>((resolve, reject) => server.bindAsync(`127.0.0.1:${port}`, credentials, (error, actual) => (error ? reject(error) : resolve(actual))));
  return { port: bound, address: `127.0.0.1:${bound}`, left: service.left, stop: () => server.forceShutdown() };
}
