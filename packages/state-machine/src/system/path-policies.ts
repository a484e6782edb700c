import { RequestError, invalid } from "../errors.js";
import { NO_CONTENT, data, field } from "../framework/index.js";
import type { EngineRequest, Mount, ReadStorage, WriteStorage } from "../framework/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";
import type { SystemServices } from "./services.js";

const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/;

/** Policies may come in base64. Text of a policy always has a brace or a quote, which base64 has not. */
function policyText(given: string): string {
  if (!BASE64.test(given)) return given;
  const decoded = Buffer.from(given, "base64").toString("utf8");
  return /[{"]/.test(decoded) && !decoded.includes("\uFFFD") ? decoded : given;
}

const LIST_SUMMARY = "Lists the ACL policies.";
const NAME = field.string({ description: "Name of the policy; letters become lower case.", required: true });

/** Of a policy that is there. */
async function patchPolicy({ input }: EngineRequest<{ readonly name: string; readonly policy: string }>, storage: WriteStorage, { services }: Mount<SystemServices>) {
  const name = input.name.toLowerCase();
  if (name === "root") throw invalid(`cannot update ${JSON.stringify(name)} policy`);
  if (!(await services.rooms.policies.read(storage, name))) throw new RequestError("not_found", []);
  if (input.policy === "") throw invalid("'policy' parameter not supplied or empty");
  await services.rooms.policies.write(storage, name, policyText(input.policy));
  return NO_CONTENT;
}

function policyPaths(shape: { readonly root: "policies/acl" | "policy"; readonly textName: "policy" | "rules"; readonly dual: boolean }): readonly SystemPath[] {
  const { root, textName, dual } = shape;
  const listPolicies = async (_request: unknown, storage: ReadStorage, { services }: Mount<SystemServices>) => {
    const keys = [...(await services.rooms.policies.list(storage))];
    return data(dual ? { keys, policies: keys } : { keys }, { dual });
  };
  return [
    systemPath({
      template: root,
      help: { synopsis: "Lists the ACL policies.", description: "Names of all ACL policies, `root` included." },
      fields: {},
      operations: {
        list: { summary: LIST_SUMMARY, effect: "read", handler: listPolicies },
        ...(dual ? { read: { summary: LIST_SUMMARY, effect: "read" as const, handler: listPolicies } } : {}),
      },
    }),
    systemPath({
      template: `${root}/{name...}` as "policy/{name...}",
      help: { synopsis: "Reads, writes or deletes one ACL policy.", description: "A policy is HCL or JSON, in clear or in base64." },
      fields: {
        name: NAME,
        policy: field.string({ description: "The policy's text.", default: "" }),
        rules: field.string({ description: "Older name of `policy`.", deprecated: true, default: "" }),
      },
      operations: {
        list: {
          summary: "Lists the ACL policies below a name.", effect: "read",
          handler: async ({ input }, storage, { services }) => {
            const prefix = `${input.name.toLowerCase().replace(/\/$/, "")}/`;
            const keys = (await services.rooms.policies.list(storage)).filter((name) => name.startsWith(prefix));
            return keys.length === 0 ? undefined : data(dual ? { keys, policies: keys } : { keys }, { dual });
          },
        },
        ...(dual ? {} : { patch: { summary: "Changes the text of one ACL policy.", effect: "write" as const, handler: patchPolicy } }),
        read: {
          summary: "Reads one ACL policy.", effect: "read",
          handler: async ({ input }, storage, { services }) => {
            const name = input.name.toLowerCase();
            if (name === "root") return data({ name, [textName]: "" }, { dual });
            const policy = await services.rooms.policies.read(storage, name);
            return policy && data({ name: policy.name, [textName]: policy.text }, { dual });
          },
        },
        update: {
          summary: "Writes one ACL policy.", effect: "write",
          handler: async ({ input }, storage, { services }) => {
            const warnings: string[] = [];
            const name = input.name.toLowerCase();
            if (name !== input.name) warnings.push(`policy name was converted to ${name}`);
            const given = input.policy || (dual ? input.rules : "");
            if (given === "") throw invalid("'policy' parameter not supplied or empty");
            if (name === "root") throw invalid(`cannot update ${JSON.stringify(name)} policy`);
            if (input.policy === "") warnings.push("'rules' is deprecated, please use 'policy' instead");
            await services.rooms.policies.write(storage, name, policyText(given));
            return warnings.length > 0 ? { ...NO_CONTENT, warnings } : NO_CONTENT;
          },
        },
        delete: {
          summary: "Deletes one ACL policy.", effect: "write",
          handler: async ({ input }, storage, { services }) => {
            const name = input.name.toLowerCase();
            if (name === "default") throw invalid("cannot delete default policy");
            if (name === "root") throw invalid(`cannot delete ${JSON.stringify(name)} policy`);
            await services.rooms.policies.remove(storage, name);
            return NO_CONTENT;
          },
        },
      },
    }),
  ];
}

export const aclPolicyPaths: readonly SystemPath[] = [
  ...policyPaths({ root: "policies/acl", textName: "policy", dual: false }),
  ...policyPaths({ root: "policy", textName: "rules", dual: true }),
];
