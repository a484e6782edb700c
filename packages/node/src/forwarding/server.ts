import grpc from "@grpc/grpc-js";
import { clusterService } from "./wire.js";
import type { WireFrame } from "./wire.js";

export const CLUSTER_ID_KEY = "coffer-cluster-id";

/** Serves questions of other nodes on the cluster port; `ask` answers with an encoded Answer. Runs on the raft thread. */
export function serveQuestions(server: grpc.Server, clusterId: string, ask: (payload: Uint8Array) => Promise<Uint8Array>): void {
  server.addService(clusterService, {
    Ask(call: grpc.ServerDuplexStream<WireFrame, WireFrame>) {
      if (call.metadata.get(CLUSTER_ID_KEY)[0] !== clusterId) {
        call.emit("error", { code: grpc.status.FAILED_PRECONDITION, details: "this node belongs to another cluster" });
        return;
      }
      // The other side asks nothing before it has seen this: what it has not sent has certainly not been done.
      call.sendMetadata(new grpc.Metadata());
      let isOpen = true;
      call.on("data", ({ id, payload }: WireFrame) => {
        void ask(payload).then((answer) => {
          if (isOpen) call.write({ id, payload: answer });
        });
      });
      const close = () => {
        isOpen = false;
      };
      call.on("error", close);
      call.on("cancelled", close);
      call.on("end", () => {
        close();
        call.end();
      });
    },
  });
}
