import { RequestError } from "../errors.js";
import type { ErrorCode } from "../errors.js";
import { NO_CONTENT, data, field, keyList } from "../framework/index.js";
import type { Environment, ReadStorage, WriteStorage } from "../framework/index.js";
import { deletePasswordPolicy, generatePassword, getPasswordPolicy, listPasswordPolicies, putPasswordPolicy } from "../passwords/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";

const GENERATE = "/generate";
const NAME = field.string({ description: "Name of the password policy.", required: true });
/** Vault wraps what these paths refuse. */
const refused = (message: string, code: ErrorCode = "invalid_request") => new RequestError(code, `1 error occurred:\n\t* ${message}\n\n`);
const missing = () => refused("policy does not exist", "not_found");

/** Policies may come in base64, which HCL never looks like: it has an equals sign in its midst. */
function policyText(given: string): string {
  const packed = given.replace(/[\r\n]/g, "");
  const bytes = Buffer.from(packed, "base64");
  if (bytes.length === 0 || bytes.toString("base64") !== packed) return given;
  const text = bytes.toString("utf8");
  return text.includes("\uFFFD") ? given : text;
}

function write(storage: WriteStorage, name: string, text: string): void {
  try {
    putPasswordPolicy(storage, name, text);
  } catch (error) {
    throw error instanceof RequestError ? refused(error.message) : error;
  }
}

function generated(storage: ReadStorage, name: string, env: Environment) {
  const found = getPasswordPolicy(storage, name);
  if (!found) throw missing();
  return data({ password: generatePassword(found.policy, env.randomBytes) });
}

export const passwordPolicyPaths: readonly SystemPath[] = [
  systemPath({
    template: "policies/password",
    help: { synopsis: "Lists the password policies.", description: "Only their names." },
    fields: {},
    operations: {
      list: { summary: "Lists the password policies.", effect: "read", handler: async (_request, storage) => keyList(await listPasswordPolicies(storage)) },
    },
  }),
  systemPath({
    template: "policies/password/{name...}",
    help: { synopsis: "Reads, writes or deletes one password policy.", description: "A policy is HCL: a length, and rules that say which characters there are and how many of them at least." },
    fields: { name: NAME, policy: field.string({ description: "The policy's text, in clear or in base64.", default: "" }) },
    operations: {
      read: {
        summary: "Reads one password policy.", effect: "read",
        handler: ({ input }, storage, { env }) => {
          // Names may have folders, which the path of its own below does not take.
          if (input.name.endsWith(GENERATE)) return generated(storage, input.name.slice(0, -GENERATE.length), env);
          const found = getPasswordPolicy(storage, input.name);
          if (!found) throw missing();
          return data({ policy: found.text });
        },
      },
      update: {
        summary: "Writes one password policy.", effect: "write",
        handler: ({ input }, storage) => {
          if (input.policy === "") throw refused("missing policy");
          write(storage, input.name, policyText(input.policy));
          return NO_CONTENT;
        },
      },
      delete: {
        summary: "Deletes one password policy.", effect: "write",
        handler: ({ input }, storage) => {
          deletePasswordPolicy(storage, input.name);
          return NO_CONTENT;
        },
      },
    },
  }),
  systemPath({
    template: "policies/password/{name}/generate",
    help: { synopsis: "Generates a password.", description: "It is not kept." },
    fields: { name: NAME },
    operations: {
      read: {
        summary: "Generates a password by one policy.", effect: "read",
        handler: ({ input }, storage, { env }) => generated(storage, input.name, env),
      },
    },
  }),
];
