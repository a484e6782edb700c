import { definePath } from "@coffer/state-machine";
import type { Mount, WriteStorage } from "@coffer/state-machine";
import { tidySecretIds } from "./storage.js";

/** Secret ids a turn: each is a few deletes. */
const SLICE = 128;

/** What has ended is good for nothing already; this gives its room back. True: more is left. */
export function tidySlice(storage: WriteStorage, { env }: Mount): Promise<boolean> {
  return tidySecretIds(storage, env.now(), SLICE);
}

export const tidyPath = definePath({
  template: "tidy/secret-id",
  help: { synopsis: "Deletes secret ids that have ended.", description: "This happens by itself all the time, in slices; asking for it does the next slice at once." },
  fields: {},
  operations: {
    update: {
      effect: "write",
      summary: "Delete secret ids that have ended.",
      responses: { 202: "Started." },
      handler: async (_request, storage, mount) => {
        await tidySlice(storage, mount);
        return { kind: "envelope", data: null, status: 202, warnings: ["Tidy operation successfully started. What is left is deleted in the background."] };
      },
    },
  },
});
