import { randomUUID } from "node:crypto";
import { PassThrough } from "node:stream";
import type { Readable } from "node:stream";
import type { ApiRequest } from "@coffer/state-machine";
import type { ActiveNodeClient, Asked } from "./client.js";

/** A request's body in pieces, where it is too large to travel as one (a snapshot to restore). */
export interface UploadChunk {
  /** Names the request's body; made up by the node that forwards it. */
  readonly upload: string;
  readonly bytes: Uint8Array;
  /** `more`: there is more to come. `broken`: the client went away before its end. */
  readonly state: "more" | "end" | "broken";
}

const CHUNK_BYTES = 256 * 1024;
/** A node that forwards asks again at once; so long a silence means that it is gone. */
const SILENCE_MS = 60_000;

/** Asks the active node about a request whose body is a stream. Of the stream nothing is read before that node takes it. */
export async function forwardUpload(active: Pick<ActiveNodeClient, "ask">, request: ApiRequest & { readonly stream: Readable }): Promise<Asked> {
  const { stream, ...rest } = request;
  const upload = randomUUID();
  let answered = false;
  const answer = active.ask({ kind: "request", request: rest, upload }, false).finally(() => (answered = true));
  const send = async (bytes: Uint8Array, state: UploadChunk["state"]) => (await active.ask({ kind: "chunk", chunk: { upload, bytes, state } }, false)).kind === "taken" && !answered;
  try {
    if (!(await send(new Uint8Array(0), "more"))) return await answer;
    // The client of an upload that is refused half way still has to get its answer: its connection is not destroyed.
    for await (const piece of stream.iterator({ destroyOnReturn: false })) {
      const bytes = piece as Buffer;
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES) if (!(await send(bytes.subarray(at, at + CHUNK_BYTES), "more"))) return await answer;
    }
    await send(new Uint8Array(0), "end");
  } catch {
    await send(new Uint8Array(0), "broken");
  }
  return answer;
}

/** The uploads that other nodes forward to this one. */
export interface Uploads {
  /** The body of a request that came; `close` when it is answered. */
  open(upload: string): { readonly stream: Readable; close(): void };
  /** Resolves when the next chunk may come; false: nobody wants it. */
  take(chunk: UploadChunk): Promise<boolean>;
}

export function createUploads(silenceMs = SILENCE_MS): Uploads {
  const opened = new Map<string, { readonly stream: PassThrough; timer: NodeJS.Timeout }>();
  const watch = (stream: PassThrough) => setTimeout(() => stream.destroy(new Error("the upload stopped half way")), silenceMs).unref();

  return {
    open(upload) {
      const stream = new PassThrough();
      // Whoever reads it hears of it; nobody may.
      stream.on("error", () => undefined);
      const entry = { stream, timer: watch(stream) };
      opened.set(upload, entry);
      return {
        stream,
        close() {
          clearTimeout(entry.timer);
          opened.delete(upload);
          stream.destroy();
        },
      };
    },
    async take({ upload, bytes, state }) {
      const entry = opened.get(upload);
      if (!entry || entry.stream.destroyed) return false;
      clearTimeout(entry.timer);
      if (state === "broken") entry.stream.destroy(new Error("the upload stopped half way"));
      else if (state === "end") entry.stream.end();
      else {
        entry.timer = watch(entry.stream);
        if (!entry.stream.write(bytes)) await drained(entry.stream);
      }
      return !entry.stream.destroyed;
    },
  };
}

function drained(stream: PassThrough): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off("drain", done).off("close", done);
      resolve();
    };
    stream.on("drain", done).on("close", done);
  });
}
