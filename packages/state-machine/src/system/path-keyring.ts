import { NO_CONTENT, data } from "../framework/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";

export const keyringPaths: readonly SystemPath[] = [
  systemPath({
    template: "key-status",
    help: { synopsis: "Describes the key in use.", description: "Its term, when it was installed, and how often it encrypted." },
    fields: {},
    operations: {
      read: {
        summary: "Describes the key in use.", effect: "read", activeOnly: true,
        handler: (_request, _storage, { services }) => {
          const { term, installTime, encryptions } = services.keyring.status();
          return data({ term, install_time: installTime, encryptions }, { dual: true });
        },
      },
    },
  }),
  systemPath({
    template: "rotate",
    help: { synopsis: "Installs a new encryption key.", description: "New values are encrypted with it; what was encrypted before stays readable." },
    fields: {},
    operations: {
      update: {
        summary: "Installs a new encryption key.", effect: "write", access: "sudo", activeOnly: true,
        handler: async (_request, _storage, { services }) => {
          await services.keyring.rotate();
          return NO_CONTENT;
        },
      },
    },
  }),
];
