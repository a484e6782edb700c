import { Readable } from "node:stream";
import { errorResponse, RequestError } from "@coffer/state-machine";
import type { ActivityRecorder, ApiRequest, ApiResponse } from "@coffer/state-machine";
import type { Echoes } from "../cluster/echoes.js";
import { createUploads } from "../forwarding/upload.js";
import { decodeQuestion, encodeAnswer, MAX_PAYLOAD_BYTES } from "../forwarding/wire.js";
import type { Answer } from "../forwarding/wire.js";
import type { RequestGateway } from "../gateway/request-gateway.js";
import type { Logger } from "../logging/logger.js";

/** Answers what other nodes ask of this one. Never rejects: a question that cannot be answered is told so. */
export function createQuestionHandler(gateway: Pick<RequestGateway, "handleForwarded">, echoes: Echoes, activity: Pick<ActivityRecorder, "hear">, logger: Logger): (payload: Uint8Array) => Promise<Uint8Array> {
  const uploads = createUploads();

  async function answer(payload: Uint8Array): Promise<Answer> {
    const question = decodeQuestion(payload);
    if (question.kind === "echo") {
      echoes.heard(question.echo);
      return { kind: "echo", echo: echoes.own };
    }
    if (question.kind === "clients") {
      activity.hear(question.clients);
      return { kind: "taken" };
    }
    if (question.kind === "chunk") return { kind: (await uploads.take(question.chunk)) ? "taken" : "unwanted" };
    const response = await respond(question.request, question.upload);
    if (response?.body instanceof Readable) response.body.destroy();
    return response ? { kind: "response", response } : { kind: "not-active" };
  }

  async function respond(request: ApiRequest, upload: string | undefined): Promise<ApiResponse | undefined> {
    if (upload === undefined) return gateway.handleForwarded(request);
    const { stream, close } = uploads.open(upload);
    return gateway.handleForwarded({ ...request, stream }).finally(close);
  }

  function encoded(given: Answer): Uint8Array {
    const bytes = encodeAnswer(given);
    if (bytes.length > MAX_PAYLOAD_BYTES) throw new RequestError("internal", "the answer is too large to be forwarded; ask the active node");
    return bytes;
  }

  return async (payload) => {
    try {
      return encoded(await answer(payload));
    } catch (error) {
      const known = error instanceof RequestError ? error : new RequestError("internal", "internal error");
      if (known !== error) logger.error("a forwarded request could not be answered", { reason: error instanceof Error ? error.message : String(error) });
      return encodeAnswer({ kind: "response", response: errorResponse(known, 0) });
    }
  };
}
