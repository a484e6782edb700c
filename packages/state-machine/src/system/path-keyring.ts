import { invalid } from "../errors.js";
import { NO_CONTENT, data, field } from "../framework/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";
import { goDuration } from "./duration.js";
import { MAX_OPERATIONS, MIN_INTERVAL_SECONDS, MIN_OPERATIONS, readRotationConfig, writeRotationConfig } from "./rotation-config.js";

const keyStatusPath = systemPath({
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
});

const rotatePath = (template: "rotate" | "rotate/keyring") =>
  systemPath({
    template,
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
  });

const rotateConfigPath = (template: "rotate/config" | "rotate/keyring/config") =>
  systemPath({
    template,
    help: { synopsis: "When the encryption key is rotated by itself.", description: "After so many encryptions, or after so long, whichever comes first." },
    fields: {
      enabled: field.bool({ description: "Whether it is rotated by itself.", default: true }),
      max_operations: field.int64({ description: "Encryptions with one key.", default: MAX_OPERATIONS }),
      interval: field.duration({ description: "Age of a key; 0 for however old.", default: 0 }),
    },
    operations: {
      read: {
        summary: "Shows the settings.", effect: "read",
        handler: (_request, storage) => {
          const { enabled, maxOperations, intervalSeconds } = readRotationConfig(storage);
          return data({ enabled, max_operations: maxOperations, interval: intervalSeconds > 0 ? goDuration(intervalSeconds) : 0 });
        },
      },
      update: {
        summary: "Changes the settings; what is not given stays.", effect: "write",
        handler: ({ input, given }, storage) => {
          const before = readRotationConfig(storage);
          const next = {
            enabled: given("enabled") ? input.enabled : before.enabled,
            maxOperations: given("max_operations") ? input.max_operations : before.maxOperations,
            intervalSeconds: given("interval") ? input.interval : before.intervalSeconds,
          };
          if (next.intervalSeconds !== 0 && next.intervalSeconds < MIN_INTERVAL_SECONDS) throw invalid(`interval must be greater or equal to ${goDuration(MIN_INTERVAL_SECONDS)}`);
          if (next.maxOperations < MIN_OPERATIONS || next.maxOperations > MAX_OPERATIONS) throw invalid(`max_operations must be in the range [${MIN_OPERATIONS},${MAX_OPERATIONS}]`);
          writeRotationConfig(storage, next);
          return NO_CONTENT;
        },
      },
    },
  });

export const keyringPaths: readonly SystemPath[] = [keyStatusPath, rotatePath("rotate"), rotatePath("rotate/keyring"), rotateConfigPath("rotate/config"), rotateConfigPath("rotate/keyring/config")];
