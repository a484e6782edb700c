import { data, definePath, field, invalid, keyList, NO_CONTENT, pageFields, RequestError } from "@coffer/state-machine";
import type { InputOf, Mount, ReadStorage, Response, WriteStorage } from "@coffer/state-machine";
import { existingRole } from "./path-role.js";
import { MAX_ID_LENGTH, ROLE_NAME, checkNetworks } from "./role.js";
import type { Role } from "./role.js";
import { addSecretId, findByAccessor, findSecretId, getRole, listAccessors, removeSecretId } from "./storage.js";
import type { FoundSecretId, SecretId } from "./storage.js";

const issueFields = {
  metadata: field.pairs({ description: "Becomes metadata of the tokens: JSON, or key=value pairs.", default: {} }),
  cidr_list: field.commaList({ description: "Networks that may log in with it, within those of the role.", default: [] }),
  token_bound_cidrs: field.commaList({ description: "Networks that may use its tokens, within those of the role.", default: [] }),
  num_uses: field.int({ description: "How many logins it is good for; no more than the role says." }),
  ttl: field.duration({ description: "How long it lives; no longer than the role says." }),
};

/** What is asked for, or else what the role says; 0 is without limit, which no role with a limit gives. */
function within(asked: number | undefined, limit: number, error: string): number {
  if (asked !== undefined && limit > 0 && (asked === 0 || asked > limit)) throw invalid(error);
  return asked ?? limit;
}

function issue(storage: WriteStorage, role: Role, secretId: string, input: InputOf<typeof issueFields>, { env, maxLeaseTtlSeconds }: Mount): Response {
  if (!role.settings.bind_secret_id) throw invalid("bind_secret_id is not set on the role");
  checkNetworks(input.cidr_list, role.settings.secret_id_bound_cidrs);
  checkNetworks(input.token_bound_cidrs, role.tokens.parameters.token_bound_cidrs);
  if ((input.num_uses ?? 0) < 0) throw invalid("num_uses cannot be negative");
  const numUses = within(input.num_uses, role.settings.secret_id_num_uses, "num_uses cannot be higher than the role's secret_id_num_uses");
  const ttl = within(input.ttl, role.settings.secret_id_ttl, "ttl cannot be longer than the role's secret_id_ttl");
  const lifetime = Math.min(ttl, maxLeaseTtlSeconds);
  const now = env.now();
  const secret: SecretId = {
    accessor: env.uuid(),
    numUses,
    ttl,
    createdMs: now,
    updatedMs: now,
    expiresMs: lifetime > 0 ? now + lifetime * 1000 : 0,
    metadata: input.metadata,
    cidrs: input.cidr_list,
    tokenCidrs: input.token_bound_cidrs,
  };
  if (!addSecretId(storage, role, secretId, secret)) throw invalid("failed to store secret_id: SecretID is already registered");
  return data({ secret_id: secretId, secret_id_accessor: secret.accessor, secret_id_num_uses: numUses, secret_id_ttl: lifetime });
}

/** Throws RequestError 404. */
function roleToIssueFor(storage: ReadStorage, name: string): Role {
  const role = getRole(storage, name);
  if (!role) throw new RequestError("not_found", `role ${JSON.stringify(name)} does not exist`);
  return role;
}

export const secretIdsPath = definePath({
  template: "role/{role_name}/secret-id",
  help: { synopsis: "Makes a secret id, or lists the accessors of those there are.", description: "The secret id is shown once; the storage keeps a salted HMAC of it." },
  fields: {
    role_name: ROLE_NAME,
    ...issueFields,
    ...pageFields("accessors"),
  },
  operations: {
    update: { effect: "write", summary: "Make a secret id.", handler: ({ input }, storage, mount) => issue(storage, roleToIssueFor(storage, input.role_name), mount.env.uuid(), input, mount) },
    list: {
      effect: "read",
      summary: "List the accessors of secret ids.",
      handler: async ({ input }, storage) => keyList(await listAccessors(storage, existingRole(storage, input.role_name), input)),
    },
  },
});

const SECRET_ID = field.string({ description: "The secret id.", sensitive: true, default: "" });
const ACCESSOR = field.string({ description: "Accessor of the secret id.", default: "" });

export const customSecretIdPath = definePath({
  template: "role/{role_name}/custom-secret-id",
  help: { synopsis: "Adds a secret id that the caller chose.", description: "Prefer those that are made here: what people choose can be guessed." },
  fields: { role_name: ROLE_NAME, secret_id: SECRET_ID, ...issueFields },
  operations: {
    update: {
      effect: "write",
      summary: "Add a secret id.",
      handler: ({ input }, storage, mount) => {
        if (input.secret_id === "") throw invalid("missing secret_id");
        if (input.secret_id.length > MAX_ID_LENGTH) throw invalid(`secret_id is longer than maximum of ${MAX_ID_LENGTH} bytes`);
        return issue(storage, roleToIssueFor(storage, input.role_name), input.secret_id, input, mount);
      },
    },
  },
});

const iso = (ms: number) => (ms === 0 ? "0001-01-01T00:00:00Z" : new Date(ms).toISOString());

function shown({ secret }: FoundSecretId): Response {
  return data({
    cidr_list: secret.cidrs,
    creation_time: iso(secret.createdMs),
    expiration_time: iso(secret.expiresMs),
    last_updated_time: iso(secret.updatedMs),
    metadata: secret.metadata,
    secret_id_accessor: secret.accessor,
    secret_id_num_uses: secret.numUses,
    secret_id_ttl: secret.ttl,
    token_bound_cidrs: secret.tokenCidrs,
  });
}

export const lookupPath = definePath({
  template: "role/{role_name}/secret-id/lookup",
  help: { synopsis: "Shows what a secret id is good for.", description: "Nothing is answered (204) for one that is not there." },
  fields: { role_name: ROLE_NAME, secret_id: SECRET_ID },
  operations: {
    update: {
      effect: "read",
      summary: "Look a secret id up.",
      handler: ({ input }, storage, { env }) => {
        if (input.secret_id === "") throw invalid("missing secret_id");
        const found = findSecretId(storage, existingRole(storage, input.role_name), input.secret_id, env.now());
        return found && shown(found);
      },
    },
  },
});

const destroyHandler = ({ input }: { readonly input: { readonly role_name: string; readonly secret_id: string } }, storage: WriteStorage, { env }: Mount) => {
  if (input.secret_id === "") throw invalid("missing secret_id");
  const role = existingRole(storage, input.role_name);
  const found = findSecretId(storage, role, input.secret_id, env.now());
  if (found) removeSecretId(storage, role.uuid, found);
  return NO_CONTENT;
};

export const destroyPath = definePath({
  template: "role/{role_name}/secret-id/destroy",
  help: { synopsis: "Destroys a secret id.", description: "Tokens that it gave stay until they end. One that is not there is no error." },
  fields: { role_name: ROLE_NAME, secret_id: SECRET_ID },
  operations: {
    update: { effect: "write", summary: "Destroy a secret id.", handler: destroyHandler },
    delete: { effect: "write", summary: "Destroy a secret id.", handler: destroyHandler },
  },
});

/** Throws RequestError 404 for an accessor of nothing, or of another role's secret id. */
function byAccessor(storage: ReadStorage, { role_name: name, secret_id_accessor: accessor }: { readonly role_name: string; readonly secret_id_accessor: string }, { env }: Mount) {
  if (accessor === "") throw invalid("missing secret_id_accessor");
  const role = existingRole(storage, name);
  const found = findByAccessor(storage, role, accessor, env.now());
  if (!found) throw new RequestError("not_found", `failed to find accessor entry for secret_id_accessor: ${JSON.stringify(accessor)}`);
  return { role, found };
}

export const accessorLookupPath = definePath({
  template: "role/{role_name}/secret-id-accessor/lookup",
  help: { synopsis: "Shows what a secret id is good for, by its accessor.", description: "For those who look after secret ids without knowing them." },
  fields: { role_name: ROLE_NAME, secret_id_accessor: ACCESSOR },
  operations: {
    update: { effect: "read", summary: "Look a secret id up by its accessor.", handler: ({ input }, storage, mount) => shown(byAccessor(storage, input, mount).found) },
  },
});

const destroyByAccessor = ({ input }: { readonly input: { readonly role_name: string; readonly secret_id_accessor: string } }, storage: WriteStorage, mount: Mount) => {
  const { role, found } = byAccessor(storage, input, mount);
  removeSecretId(storage, role.uuid, found);
  return NO_CONTENT;
};

export const accessorDestroyPath = definePath({
  template: "role/{role_name}/secret-id-accessor/destroy",
  help: { synopsis: "Destroys a secret id, by its accessor.", description: "Tokens that it gave stay until they end." },
  fields: { role_name: ROLE_NAME, secret_id_accessor: ACCESSOR },
  operations: {
    update: { effect: "write", summary: "Destroy a secret id by its accessor.", handler: destroyByAccessor },
    delete: { effect: "write", summary: "Destroy a secret id by its accessor.", handler: destroyByAccessor },
  },
});
