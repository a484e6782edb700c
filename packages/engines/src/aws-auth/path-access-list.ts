import { data, definePath, field, keyList, NO_CONTENT, pageFields } from "@coffer/state-machine";
import { ACCESS_LIST, deleteAccess, getAccess } from "./storage.js";

const HELP = { synopsis: "Instances that have logged in.", description: "By their ids, each with the nonce that it has to show again. To delete an entry lets an instance log in anew, with a nonce of its own choice." };

/** Two names of one thing: the newer one, and that of before Vault 1.7. */
export const accessListPaths = ["identity-accesslist", "identity-whitelist"].flatMap((name) => [
  definePath({
    template: name,
    help: HELP,
    fields: pageFields(),
    operations: { list: { effect: "read", summary: "List instances that have logged in.", handler: async ({ input }, storage) => keyList(await storage.list(ACCESS_LIST, input)) } },
  }),
  definePath({
    template: `${name}/{instance_id}` as const,
    help: HELP,
    fields: { instance_id: field.name({ description: "Id of the instance.", required: true }) },
    operations: {
      read: {
        effect: "read",
        summary: "Read an instance's login.",
        handler({ input }, storage) {
          const entry = getAccess(storage, input.instance_id);
          return (
            entry &&
            data({
              role: entry.role,
              client_nonce: entry.clientNonce,
              disallow_reauthentication: entry.disallowReauthentication,
              pending_time: timeText(entry.pendingMs),
              creation_time: timeText(entry.createdMs),
              last_updated_time: timeText(entry.updatedMs),
              expiration_time: timeText(entry.expiresMs),
            })
          );
        },
      },
      delete: {
        effect: "write",
        summary: "Forget an instance's login.",
        handler({ input }, storage) {
          deleteAccess(storage, input.instance_id);
          return NO_CONTENT;
        },
      },
    },
  }),
]);

/** RFC 3339, without a fraction that is 0. */
export const timeText = (ms: number): string => new Date(ms).toISOString().replace(/\.?0*Z$/, "Z");
