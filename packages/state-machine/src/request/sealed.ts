import { RequestError } from "../errors.js";
import type { MountEntry, OperationName, WriteMount } from "../framework/index.js";
import type { WriteStorage } from "../framework/storage.js";
import type { Handled } from "./api.js";
import type { Answer } from "./answer.js";
import { toHandled } from "./answer.js";
import type { Target } from "./core.js";
import { engineRequest } from "./evaluate.js";
import { then } from "./maybe.js";
import { parseBody } from "./parse.js";
import type { Progress } from "./progress.js";

const refuse = () => {
  throw new RequestError("sealed", "Vault is sealed");
};

const NO_STORAGE: WriteStorage = Object.freeze({ get: () => undefined, list: async () => [], keys: async () => [], put: refuse, delete: refuse });

/**
 * sys/ paths that answer on a sealed node see no storage, ask for no token and are never audited (there is nobody to name,
 * and no device to write to): they speak of the node.
 */
export function handleSealed(progress: Progress, found: Target, mountOf: (entry: MountEntry) => WriteMount, index: number): Handled | Promise<Handled> {
  const { request } = progress;
  progress.isRecorded = false;
  progress.body = parseBody(request, request.operation as OperationName);
  const { made } = engineRequest(NO_STORAGE, progress, found, false);
  return then(found.operation.handler(made, NO_STORAGE, mountOf(found.entry)), (response) => {
    if (response?.kind === "envelope") throw new Error(`${found.path} must answer without an envelope, as it also does while sealed`);
    if (response?.kind === "refusal") throw response.error;
    const answer: Answer = response ? { kind: "other", response } : { kind: "miss", warnings: [] };
    return toHandled(request, answer, index);
  });
}
