import grpc from "@grpc/grpc-js";
import type { TransportOptions } from "../host/api.js";

/** Every certificate of the cluster carries this name, so that a node may move to another address. */
export const CLUSTER_SERVER_NAME = "coffer-cluster";

/** A state or a forwarded request travels in pieces; only a single huge entry comes near this. */
const MAX_MESSAGE_BYTES = 80 * 1024 * 1024;

/** Reconnect fast: a restarted peer is missed by writes until it is found again. */
const INITIAL_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 250;

/** A connection whose other end is silent (power cut, dropped packets) is given up after both together. */
const KEEPALIVE_MS = 1000;
const KEEPALIVE_TIMEOUT_MS = 2000;

export function serverCredentials(tls: TransportOptions["tls"]): grpc.ServerCredentials {
  return grpc.ServerCredentials.createSsl(Buffer.from(tls.ca), [{ cert_chain: Buffer.from(tls.certificate), private_key: Buffer.from(tls.key) }], true);
}

export function clientCredentials(tls: TransportOptions["tls"]): grpc.ChannelCredentials {
  return grpc.credentials.createSsl(Buffer.from(tls.ca), Buffer.from(tls.key), Buffer.from(tls.certificate));
}

const LIMITS = {
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  "grpc.keepalive_time_ms": KEEPALIVE_MS,
  "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
};

export const SERVER_OPTIONS: grpc.ServerOptions = LIMITS;

export const CLIENT_OPTIONS: grpc.ClientOptions = {
  ...LIMITS,
  "grpc.ssl_target_name_override": CLUSTER_SERVER_NAME,
  "grpc.default_authority": CLUSTER_SERVER_NAME,
  "grpc.initial_reconnect_backoff_ms": INITIAL_BACKOFF_MS,
  "grpc.min_reconnect_backoff_ms": INITIAL_BACKOFF_MS,
  "grpc.max_reconnect_backoff_ms": MAX_BACKOFF_MS,
  "grpc.use_local_subchannel_pool": 1,
  // Streams are reopened by us; gRPC would keep and copy every message of theirs for a retry that never comes.
  "grpc.enable_retries": 0,
};
