import { NO_CONTENT, data, definePath, field, invalid } from "@coffer/state-machine";
import { getConfig, putConfig } from "./storage.js";

const MAX_CACHE_SIZE = 100_000;

export const configPath = definePath({
  template: "config",
  help: { synopsis: "Settings of the method.", description: "A write changes what it names and leaves the rest." },
  fields: {
    disable_binding: field.bool({ description: "Renews tokens for whoever holds them, instead of for the certificate that logged in." }),
    enable_identity_alias_metadata: field.bool({ description: "Gives the alias the metadata of the login." }),
    ocsp_cache_size: field.int({ description: "How many answers of OCSP servers are kept, each until its own end." }),
  },
  operations: {
    read: { effect: "read", summary: "Read the settings.", handler: (_request, storage) => data({ ...getConfig(storage) }) },
    update: {
      effect: "write",
      summary: "Change the settings.",
      handler: ({ input }, storage) => {
        const before = getConfig(storage);
        const size = input.ocsp_cache_size ?? before.ocsp_cache_size;
        if (size < 2 || size > MAX_CACHE_SIZE) throw invalid(`invalid cache size, must be >= 2 and <= ${MAX_CACHE_SIZE}`);
        putConfig(storage, {
          disable_binding: input.disable_binding ?? before.disable_binding,
          enable_identity_alias_metadata: input.enable_identity_alias_metadata ?? before.enable_identity_alias_metadata,
          ocsp_cache_size: size,
        });
        return NO_CONTENT;
      },
    },
  },
});
