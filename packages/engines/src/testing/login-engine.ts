import { definePath, field, invalid } from "@coffer/state-machine";
import type { Engine } from "@coffer/state-machine";

/** An auth method for tests: one password for everybody, and the name, metadata and groups that the caller says. */
export const loginEngine: Engine = {
  type: "login",
  table: "auth",
  help: "Lets people in.",
  paths: [
    definePath({
      template: "login/{name}",
      help: { synopsis: "Logs in.", description: "With the password." },
      fields: {
        name: field.string({ description: "Who.", required: true }),
        password: field.string({ description: "The password.", sensitive: true, default: "let-me-in" }),
        metadata: field.pairs({ description: "Metadata of the alias.", default: {} }),
        groups: field.commaList({ description: "Groups there.", default: [] }),
      },
      operations: {
        update: {
          summary: "Logs in.", effect: "write", access: "none",
          handler: ({ input: { name, password, metadata, groups } }) => {
            if (password !== "let-me-in") throw invalid("invalid username or password");
            return { kind: "envelope", data: null, grant: { policies: [], displayName: `login-${name}`, metadata: { name }, ttlSeconds: 3600, renewable: true, alias: { name, metadata }, groupAliases: groups } };
          },
        },
      },
    }),
  ],
};
