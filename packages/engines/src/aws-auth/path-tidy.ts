import { data, definePath, field, jsonCodec, NO_CONTENT } from "@coffer/state-machine";
import type { Environment, WriteStorage } from "@coffer/state-machine";
import { ACCESS_LIST, DENY_LIST, getTidy, putTidy } from "./storage.js";
import type { AccessEntry, DeniedTag, TidiedList, TidyConfig } from "./storage.js";

/** Seconds: 72 hours, as in Vault. */
const SAFETY_BUFFER = 259_200;
const DEFAULTS: TidyConfig = Object.freeze({ safety_buffer: SAFETY_BUFFER, disable_periodic_tidy: false });
/** Between two rounds that nobody asked for. */
const ROUND_MS = 3_600_000;
/** Entries a turn: each is a read, and at most a delete. */
const SLICE = 128;

const FOLDERS: Readonly<Record<TidiedList, string>> = { "identity-accesslist": ACCESS_LIST, "roletag-denylist": DENY_LIST };
/** Under the names of before Vault 1.7, too. */
const NAMES: readonly (readonly [string, TidiedList])[] = [
  ["identity-accesslist", "identity-accesslist"],
  ["identity-whitelist", "identity-accesslist"],
  ["roletag-denylist", "roletag-denylist"],
  ["roletag-blacklist", "roletag-denylist"],
];
const entryCodec = jsonCodec<AccessEntry | DeniedTag>();

/** The next slice of what is due. True: there is more. */
export async function tidyLists(storage: WriteStorage, env: Environment): Promise<boolean> {
  let isMore = false;
  for (const list of Object.keys(FOLDERS) as TidiedList[]) isMore = (await tidyList(storage, list, env.now())) || isMore;
  return isMore;
}

async function tidyList(storage: WriteStorage, list: TidiedList, nowMs: number): Promise<boolean> {
  const state = getTidy(storage, list);
  const config = state.config ?? DEFAULTS;
  if (state.dueMs > nowMs || (state.safetyBuffer === undefined && config.disable_periodic_tidy)) return false;
  const folder = FOLDERS[list];
  const names = await storage.list(folder, { after: state.after, limit: SLICE });
  // A list that nobody uses costs no write.
  if (names.length === 0 && state.after === "" && state.safetyBuffer === undefined) return false;
  const endedMs = nowMs - (state.safetyBuffer ?? config.safety_buffer) * 1000;
  for (const name of names) {
    const entry = storage.get(folder + name, entryCodec);
    if (entry && entry.expiresMs < endedMs) storage.delete(folder + name);
  }
  const isMore = names.length === SLICE;
  const { safetyBuffer: _ended, ...rest } = state;
  putTidy(storage, list, isMore ? { ...state, after: names.at(-1)! } : { ...rest, after: "", dueMs: nowMs + ROUND_MS });
  return isMore;
}

const safetyBuffer = field.duration({ description: "How long after its end an entry is kept. Default 72 hours." });

export const tidyPaths = NAMES.flatMap(([name, list]) => [
  definePath({
    template: `tidy/${name}` as const,
    help: { synopsis: "Deletes entries that have long ended.", description: "It is done in the background, in slices, and by itself every hour." },
    fields: { safety_buffer: safetyBuffer },
    operations: {
      update: {
        effect: "write",
        summary: "Delete entries that have long ended.",
        responses: { 202: "Started." },
        handler({ input }, storage) {
          putTidy(storage, list, { ...getTidy(storage, list), after: "", dueMs: 0, safetyBuffer: input.safety_buffer ?? SAFETY_BUFFER });
          return { kind: "envelope", data: null, status: 202, warnings: ["Tidy operation successfully started. Entries are deleted in the background."] };
        },
      },
    },
  }),
  definePath({
    template: `config/tidy/${name}` as const,
    help: { synopsis: "Whether and when entries that have ended are deleted by themselves.", description: "Every hour, unless it is turned off." },
    fields: { safety_buffer: safetyBuffer, disable_periodic_tidy: field.bool({ description: "Leaves it to requests." }) },
    exists: (_request, storage) => getTidy(storage, list).config !== undefined,
    operations: {
      read: {
        effect: "read",
        summary: "Read when entries are deleted.",
        handler(_request, storage) {
          const { config } = getTidy(storage, list);
          return config && data({ ...config });
        },
      },
      update: {
        effect: "write",
        summary: "Set when entries are deleted.",
        handler({ input }, storage) {
          const state = getTidy(storage, list);
          const before = state.config ?? DEFAULTS;
          putTidy(storage, list, { ...state, config: { safety_buffer: input.safety_buffer ?? before.safety_buffer, disable_periodic_tidy: input.disable_periodic_tidy ?? before.disable_periodic_tidy } });
          return NO_CONTENT;
        },
      },
      delete: {
        effect: "write",
        summary: "Delete entries as if nothing had been set.",
        handler(_request, storage) {
          const { config: _gone, ...state } = getTidy(storage, list);
          putTidy(storage, list, state);
          return NO_CONTENT;
        },
      },
    },
  }),
]);
