import { invalid } from "../errors.js";
import { NO_CONTENT, data, definePath, documentCodec, field, jsonCodec, keyList } from "../framework/index.js";
import type { Engine, Field } from "../framework/index.js";
import { findToken, renewToken } from "../tokens/index.js";
import type { TtlLimits } from "../tokens/index.js";

/** Three small engines, declared as any engine is, for tests of what lies around them. */

const document = documentCodec<Readonly<Record<string, unknown>>>();
const PATH = field.string({ description: "Where the value is kept.", required: true });

/** Keeps documents as they come; knows whether one is there. */
export const kvEngine: Engine = {
  type: "kv",
  table: "secret",
  help: "Keeps values.",
  paths: [
    definePath({
      template: "{path...}",
      help: { synopsis: "Keeps one value.", description: "A value is any JSON object." },
      fields: { path: PATH },
      freeForm: true,
      exists: ({ path }, storage) => storage.get(path, document) !== undefined,
      operations: {
        read: { summary: "Reads a value.", effect: "read", handler: ({ path }, storage) => (storage.get(path, document) ? data(storage.get(path, document)!) : undefined) },
        update: {
          summary: "Writes a value.", effect: "write",
          handler: ({ path, body }, storage) => {
            storage.put(path, document, body);
            return NO_CONTENT;
          },
        },
        patch: {
          summary: "Changes a value.", effect: "write",
          handler: ({ path, body }, storage) => {
            storage.put(path, document, { ...storage.get(path, document), ...body });
            return NO_CONTENT;
          },
        },
        delete: {
          summary: "Deletes a value.", effect: "write",
          handler: ({ path }, storage) => {
            storage.delete(path);
            return NO_CONTENT;
          },
        },
        list: { summary: "Lists values.", effect: "read", handler: async ({ path }, storage) => keyList(await storage.list(path === "" || path.endsWith("/") ? path : `${path}/`)) },
      },
    }),
  ],
};

const count = jsonCodec<number>();

/** Counts, so that a lost update shows; and says back what it is given, so that fields can be told. */
export const counterEngine: Engine = {
  type: "counter",
  table: "secret",
  help: "Counts.",
  paths: [
    definePath({
      template: "next/{name}",
      help: { synopsis: "Counts up.", description: "Answers with the new count." },
      fields: { name: field.string({ description: "Name of the count.", required: true }), by: field.int({ description: "How far.", default: 1 }), note: field.int({ description: "Ignored.", sensitive: true }) },
      operations: {
        update: {
          summary: "Counts up.", effect: "write",
          handler: ({ input: { name, by } }, storage) => {
            const next = (storage.get(name, count) ?? 0) + by;
            storage.put(name, count, next);
            return data({ count: next });
          },
        },
        read: {
          summary: "Counts the readers, unless it is told not to.", effect: "read-or-write",
          handler: ({ input: { name, by } }, storage) => {
            if (by !== 0) storage.put(name, count, (storage.get(name, count) ?? 0) + by);
            return data({ count: storage.get(name, count) });
          },
        },
      },
    }),
    definePath({
      template: "fail/{how}",
      help: { synopsis: "Fails.", description: "As it is told." },
      fields: { how: field.string({ description: "How.", required: true }) },
      operations: {
        read: {
          summary: "Fails.", effect: "read",
          handler: ({ input: { how } }) => {
            throw how === "politely" ? invalid(`cannot do ${how}`) : new Error("a secret detail");
          },
        },
      },
    }),
    definePath({
      template: "two",
      help: { synopsis: "Has its members twice.", description: "In data and beside it." },
      fields: {},
      operations: { read: { summary: "Answers twice.", effect: "read", handler: () => data({ a: 1, data: "shadow" }, { dual: true, warnings: ["mind the gap"] }) } },
    }),
  ],
};

export interface LeasedServices {
  /** Stands for the world outside, where secrets are taken back: their roles, in that order. */
  readonly revoked: string[];
}

/** Gives out leased secrets, and needs what it stored to take them back. */
export const leasedEngine: Engine<LeasedServices> = {
  type: "leased",
  table: "secret",
  help: "Leases secrets.",
  paths: [
    definePath<string, { role: Field<string> }, LeasedServices>({
      template: "creds/{role}",
      help: { synopsis: "Gives a secret.", description: "For as long as its lease." },
      fields: { role: field.string({ description: "Role.", required: true }) },
      operations: {
        read: {
          summary: "Gives a secret.", effect: "write",
          handler: ({ input: { role }, id }, storage) => {
            storage.put(`made/${id}`, document, { role });
            return data({ password: `made-for-${role}` }, { secret: { kind: "password", ttlSeconds: 60, renewable: true, internalData: { key: `made/${id}` } } });
          },
        },
      },
    }),
  ],
  secrets: [{
    name: "password",
    revoke: ({ key }, storage, { services }) => {
      const made = storage.get(String(key), document);
      if (!made) throw new Error("what was made is not on record");
      storage.delete(String(key));
      services.revoked.push(String(made["role"]));
    },
  }],
};

const TOKEN_LIMITS: TtlLimits = { defaultTtl: 86_400, maxTtl: 864_000 };

/** As much of auth/token as shows what a handler sees of its caller's token. Its storage is `core/`. */
export const tokenEngine: Engine = {
  type: "token",
  table: "auth",
  help: "Tokens.",
  paths: [
    definePath({
      template: "lookup-self",
      help: { synopsis: "Shows the own token.", description: "Its uses and its time." },
      fields: {},
      operations: {
        read: {
          summary: "Shows the own token.", effect: "read",
          handler: ({ caller }, storage, { env }) => {
            const found = findToken(storage, caller!.tokenId, env)!;
            return data({ accessor: found.accessor, num_uses: found.numUses, ttl: found.ttl });
          },
        },
      },
    }),
    definePath({
      template: "renew-self",
      help: { synopsis: "Renews the own token.", description: "By a day." },
      fields: {},
      operations: {
        update: {
          summary: "Renews the own token.", effect: "write",
          handler: ({ caller }, storage, { env }) => {
            renewToken(storage, findToken(storage, caller!.tokenId, env)!, 86_400, TOKEN_LIMITS, env);
            return NO_CONTENT;
          },
        },
      },
    }),
  ],
};

/** Knows one password for everybody. */
export const loginEngine: Engine = {
  type: "login",
  table: "auth",
  help: "Lets people in.",
  roleOfLogin: ({ name }) => String(name),
  paths: [
    definePath({
      template: "login/{name}",
      help: { synopsis: "Logs in.", description: "With the password. Who has an address has an identity." },
      fields: { name: field.string({ description: "Who.", required: true }), password: field.string({ description: "The password.", sensitive: true, default: "" }) },
      operations: {
        update: {
          summary: "Logs in.", effect: "write", access: "none",
          roleOf: ({ input: { name } }) => name,
          handler: ({ input: { name, password } }) => {
            if (password !== "let-me-in") throw invalid("invalid username or password");
            return { kind: "envelope", data: null, grant: { policies: ["staff"], displayName: `login-${name}`, metadata: { name }, internalData: { name }, ttlSeconds: 3600, renewable: true, ...(name.includes("@") && { alias: { name } }) } };
          },
        },
      },
    }),
  ],
};
