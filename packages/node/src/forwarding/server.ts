import grpc from "@grpc/grpc-js";
import { clusterService } from "./service.js";
import type { WireFrame } from "./service.js";

export const CLUSTER_ID_KEY = "coffer-cluster-id";

/** Questions of other nodes, on the cluster port. Runs on the raft thread. */
export interface QuestionService {
  serve(server: grpc.Server): void;
  /** Resolves once no other node has a stream open here, or after `graceMs`. A node leaves when it has its answers and another one leads. */
  left(graceMs: number): Promise<void>;
}

/** `ask` answers with an encoded Answer. */
export function createQuestionService(clusterId: string, ask: (payload: Uint8Array) => Promise<Uint8Array>): QuestionService {
  const open = new Set<grpc.ServerDuplexStream<WireFrame, WireFrame>>();
  let onLeft: () => void = () => undefined;

  const serve = (server: grpc.Server) => server.addService(clusterService, {
    Ask(call: grpc.ServerDuplexStream<WireFrame, WireFrame>) {
      if (call.metadata.get(CLUSTER_ID_KEY)[0] !== clusterId) {
        call.emit("error", { code: grpc.status.FAILED_PRECONDITION, details: "this node belongs to another cluster" });
        return;
      }
      // The other side asks nothing before it has seen this: what it has not sent has certainly not been done.
      call.sendMetadata(new grpc.Metadata());
      open.add(call);
      call.on("data", ({ id, payload }: WireFrame) => {
        void ask(payload).then((answer) => {
          if (open.has(call)) call.write({ id, payload: answer });
        });
      });
      const close = () => {
        open.delete(call);
        if (open.size === 0) onLeft();
      };
      call.on("error", close);
      call.on("cancelled", close);
      call.on("end", () => {
        close();
        call.end();
      });
    },
  });

  return {
    serve,
    async left(graceMs) {
      if (open.size === 0) return;
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        onLeft = resolve;
        timer = setTimeout(resolve, graceMs);
      });
      clearTimeout(timer);
    },
  };
}
