import { data, definePath, field, invalid, keyList, NO_CONTENT } from "@coffer/state-machine";
import { parseArn } from "../amazon/arn.js";
import { federationFields, NO_FEDERATION, refuseFederation } from "../amazon/federation.js";
import { automatedRotation, automatedRotationFields, failureWarnings, NOT_ROTATED, shownRotation } from "../rotation/automated.js";
import { rotateRoot } from "./root-rotation.js";
import { DEFAULT_METADATA, deleteClient, deleteStsAccount, getClient, getIdentity, getStsAccount, NO_CLIENT, putClient, putIdentity, putStsAccount, STS_ACCOUNTS } from "./storage.js";
import type { ClientConfig } from "./storage.js";

function checkClient(config: ClientConfig): void {
  if ((config.access_key === "") !== (config.secret_key === "")) throw invalid("access_key and secret_key must be given together");
  if (config.max_retries < -1) throw invalid("max_retries must be -1 or more");
  for (const name of ["endpoint", "iam_endpoint", "sts_endpoint"] as const) {
    const text = config[name];
    if (text !== "" && (!URL.canParse(text) || !["http:", "https:"].includes(new URL(text).protocol))) throw invalid(`${name} is not a URL of http or https`);
  }
  if (!/^[a-z0-9-]*$/.test(config.sts_region)) throw invalid("sts_region is no name of a region");
  if (config.rotation?.turn && config.access_key === "") throw invalid("rotation_period and rotation_schedule need an access_key and secret_key that can be rotated");
  const strange = config.allowed_sts_header_values.find((name) => !/^[\w-]+$/.test(name));
  if (strange !== undefined) throw invalid(`invalid header name ${JSON.stringify(strange)} in allowed_sts_header_values`);
}

export const clientPath = definePath({
  template: "config/client",
  help: { synopsis: "How AWS is reached, and what a login must bring.", description: "Without an access key credentials are found as AWS's SDK finds them. A write leaves alone what it does not name. The secret key is never shown." },
  fields: {
    access_key: field.string({ description: "Access key with which principals and instances are looked up." }),
    secret_key: field.string({ description: "Its secret key.", sensitive: true }),
    endpoint: field.string({ description: "URL of EC2, where it is not AWS's own." }),
    iam_endpoint: field.string({ description: "URL of IAM, where it is not AWS's own." }),
    sts_endpoint: field.string({ description: "URL of STS, where it is not AWS's own: where the requests of logins are sent." }),
    sts_region: field.string({ description: "Region of STS." }),
    use_sts_region_from_client: field.bool({ description: "Whether requests of logins go to the STS of the region that they were signed for." }),
    iam_server_id_header_value: field.string({ description: "What the header X-Vault-AWS-IAM-Server-ID of a login must say, signed with the rest." }),
    allowed_sts_header_values: field.commaList({ description: "Headers that the request of a login may have beside those that are usual." }),
    max_retries: field.int({ description: "How often a request to AWS is tried again; -1 as often as the SDK does by itself." }),
    ...automatedRotationFields,
    ...federationFields,
  },
  exists: (_request, storage) => getClient(storage) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read how AWS is reached.",
      handler(_request, storage) {
        const config = getClient(storage);
        if (!config) return undefined;
        const { secret_key: _hidden, rotation = NOT_ROTATED, ...shown } = config;
        return data({ ...shown, ...NO_FEDERATION, ...shownRotation(rotation) }, failureWarnings(rotation, "rotate the access key"));
      },
    },
    update: {
      effect: "write",
      summary: "Set how AWS is reached.",
      handler({ input }, storage, { env }) {
        refuseFederation(input);
        const { role_arn: _arn, identity_token_audience: _audience, identity_token_ttl: _ttl, rotation_period, rotation_schedule, rotation_window, disable_automated_rotation, ...settings } = input;
        const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as Partial<ClientConfig>;
        const before = getClient(storage);
        const rotation = automatedRotation({ rotation_period, rotation_schedule, rotation_window, disable_automated_rotation }, before?.rotation ?? NOT_ROTATED, env.now());
        const config: ClientConfig = { ...NO_CLIENT, ...before, ...given, rotation };
        checkClient(config);
        putClient(storage, config);
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write",
      summary: "Forget how AWS is reached.",
      handler(_request, storage) {
        deleteClient(storage);
        return NO_CONTENT;
      },
    },
  },
});

export const rotateRootPath = definePath({
  template: "config/rotate-root",
  help: { synopsis: "Gives the method a new access key.", description: "A new key is made for the user of the configured one, and stored. The old one is removed a moment later, when the new one is safe." },
  fields: {},
  operations: {
    update: {
      effect: "write",
      summary: "Rotate the method's own access key.",
      handler: async (_request, storage, mount) => data({ access_key: await rotateRoot(storage, mount) }),
    },
  },
});

export const IAM_METADATA = ["account_id", "auth_type", "canonical_arn", "client_arn", "client_user_id", "inferred_aws_region", "inferred_entity_id", "inferred_entity_type"] as const;
const EC2_METADATA = ["account_id", "ami_id", "auth_type", "instance_id", "region"] as const;
const IAM_ALIASES = ["role_id", "unique_id", "canonical_arn", "full_arn"];
const EC2_ALIASES = ["role_id", "instance_id", "image_id"];

function metadata(name: string, given: readonly string[] | undefined, before: readonly string[], known: readonly string[]): readonly string[] {
  if (given === undefined) return before;
  const fields = given.flatMap((one) => (one === "default" ? DEFAULT_METADATA : [one])).filter((one) => one !== "");
  const strange = fields.find((one) => !known.includes(one));
  if (strange !== undefined) throw invalid(`${JSON.stringify(strange)} is not an available field in ${name}; available: ${known.join(", ")}`);
  return [...new Set(fields)].sort();
}

function alias(name: string, given: string | undefined, before: string, known: readonly string[]): string {
  if (given === undefined) return before;
  if (!known.includes(given)) throw invalid(`invalid ${name} of ${JSON.stringify(given)}, must be one of: ${known.join(", ")}`);
  return given;
}

export const identityPath = definePath({
  template: "config/identity",
  help: { synopsis: "What becomes of who logged in.", description: "The alias names the entity that a login belongs to; metadata are kept with the token and the alias. With role_id everybody of a role is one entity." },
  fields: {
    iam_alias: field.string({ description: "What names the entity: role_id, unique_id, canonical_arn or full_arn." }),
    iam_metadata: field.commaList({ description: `Any of ${IAM_METADATA.join(", ")}; \`default\` stands for account_id and auth_type.` }),
    ec2_alias: field.string({ description: "What names the entity of an instance that logs in by ec2: role_id, instance_id or image_id." }),
    ec2_metadata: field.commaList({ description: `Of logins by ec2: any of ${EC2_METADATA.join(", ")}; \`default\` stands for account_id and auth_type.` }),
  },
  operations: {
    read: { effect: "read", summary: "Read what becomes of who logged in.", handler: (_request, storage) => data({ ...getIdentity(storage) }) },
    update: {
      effect: "write",
      summary: "Set what becomes of who logs in.",
      handler({ input }, storage) {
        const before = getIdentity(storage);
        putIdentity(storage, {
          iam_alias: alias("iam_alias", input.iam_alias, before.iam_alias, IAM_ALIASES),
          iam_metadata: metadata("iam_metadata", input.iam_metadata, before.iam_metadata, IAM_METADATA),
          ec2_alias: alias("ec2_alias", input.ec2_alias, before.ec2_alias, EC2_ALIASES),
          ec2_metadata: metadata("ec2_metadata", input.ec2_metadata, before.ec2_metadata, EC2_METADATA),
        });
        return NO_CONTENT;
      },
    },
  },
});

export const stsAccountsPath = definePath({
  template: "config/sts",
  help: { synopsis: "Lists accounts that are asked through a role.", description: "By their ids." },
  fields: {},
  operations: { list: { effect: "read", summary: "List accounts.", handler: async (_request, storage) => keyList(await storage.list(STS_ACCOUNTS)) } },
});

export const stsAccountPath = definePath({
  template: "config/sts/{account_id}",
  help: { synopsis: "Which role is assumed to ask about principals of another account.", description: "Needed for unique ids, wildcards and instances of that account." },
  fields: {
    account_id: field.name({ description: "Id of the account.", required: true }),
    sts_role: field.string({ description: "ARN of the role that is assumed.", default: "" }),
    external_id: field.string({ description: "External id that the role asks for.", default: "" }),
  },
  exists: ({ input }, storage) => getStsAccount(storage, input.account_id) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read an account's role.",
      handler({ input }, storage) {
        const entry = getStsAccount(storage, input.account_id);
        return entry && data({ ...entry });
      },
    },
    update: {
      effect: "write",
      summary: "Set an account's role.",
      handler({ input: { account_id, ...entry } }, storage) {
        if (entry.sts_role === "") throw invalid("sts role cannot be empty");
        if (!parseArn(entry.sts_role)?.resource.startsWith("role/")) throw invalid("sts_role is no ARN of a role");
        putStsAccount(storage, account_id, entry);
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write",
      summary: "Forget an account's role.",
      handler({ input }, storage) {
        deleteStsAccount(storage, input.account_id);
        return NO_CONTENT;
      },
    },
  },
});
