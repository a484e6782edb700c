import { data, definePath, field, invalid } from "@coffer/state-machine";
import { getCacheSize, getKeysConfig, putCacheSize, putKeysConfig } from "./storage.js";

const LEAST_CACHE_SIZE = 10;

export const keysConfigPath = definePath({
  template: "config/keys",
  help: { synopsis: "Settings for all keys of the mount.", description: "So far one: whether encrypting makes keys that are not there." },
  fields: { disable_upsert: field.bool({ description: "Whether encrypting with a key that does not exist fails, whatever the policy.", default: false }) },
  operations: {
    read: { effect: "read", summary: "Read the settings.", handler: (_request, storage) => data({ ...getKeysConfig(storage) }) },
    update: {
      effect: "write",
      summary: "Change the settings.",
      handler({ input }, storage) {
        putKeysConfig(storage, { disable_upsert: input.disable_upsert });
        return data({ disable_upsert: input.disable_upsert });
      },
    },
  },
});

export const cacheConfigPath = definePath({
  template: "cache-config",
  help: { synopsis: "How many keys are kept in memory.", description: "Taken and shown, as Vault does. Here the node's cache, which is one for all mounts and bounded, decides what is kept." },
  fields: { size: field.int({ description: "Number of keys, at least 10; 0 for no limit.", default: 0 }) },
  operations: {
    read: { effect: "read", summary: "Read the size.", handler: (_request, storage) => data({ size: getCacheSize(storage) }) },
    update: {
      effect: "write",
      summary: "Set the size.",
      handler({ input }, storage) {
        if (input.size !== 0 && input.size < LEAST_CACHE_SIZE) throw invalid(`size must be 0 or a value greater or equal to ${LEAST_CACHE_SIZE}`);
        putCacheSize(storage, input.size);
        return data({ size: input.size });
      },
    },
  },
});
