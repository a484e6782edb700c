import { data, definePath, destroySecret, destroySecretsOf, enforcements, field, generateSecret, getMethod, identityOf, invalid, keyList, listMethods, methodBody, NO_CONTENT, putMethod, removeMethod, RequestError, TOTP_FIELDS, totpChange } from "@coffer/state-machine";
import type { MfaMethod, ReadStorage, Response } from "@coffer/state-machine";

const METHOD_NAME = field.string({ description: "Name of the method; may stand for its id in X-Vault-MFA and in `mfa_payload`.", default: "" });
const ID = field.string({ description: "Id of the method.", required: true });
const METHOD_ID = field.string({ description: "Id of the method.", required: true });
const ENTITY_ID = field.string({ description: "Id of the entity.", required: true });

async function list(_request: unknown, storage: ReadStorage): Promise<Response | undefined> {
  const methods = await listMethods(storage);
  return keyList(methods.map(({ id }) => id), Object.fromEntries(methods.map((method) => [method.id, methodBody(method)])));
}

function read({ input }: { readonly input: { readonly id: string } }, storage: ReadStorage): Response | undefined {
  const method = getMethod(storage, input.id);
  return method && data(methodBody(method));
}

function known(storage: ReadStorage, id: string): MfaMethod {
  const method = getMethod(storage, id);
  if (!method) throw invalid(`configuration for method ID ${JSON.stringify(id)} does not exist`);
  return method;
}

export const mfaMethodsPath = definePath({
  template: "mfa/method",
  help: { synopsis: "Lists the MFA methods of logins.", description: "With their settings." },
  fields: {},
  operations: { list: { effect: "read", summary: "List the methods.", handler: list } },
});

export const mfaMethodPath = definePath({
  template: "mfa/method/{id}",
  help: { synopsis: "Reads an MFA method of logins.", description: "Whatever its type is." },
  fields: { id: ID },
  operations: { read: { effect: "read", summary: "Read a method.", handler: read } },
});

export const totpMethodsPath = definePath({
  template: "mfa/method/totp",
  help: { synopsis: "Creates a TOTP method of logins, and lists them.", description: "It is asked for where a login enforcement names it." },
  fields: { ...TOTP_FIELDS, method_name: METHOD_NAME },
  operations: {
    list: { effect: "read", summary: "List the TOTP methods.", handler: list },
    update: { effect: "write", summary: "Create a TOTP method, or change the one of that name.", handler: ({ input }, storage, { env }) => data({ method_id: putMethod(storage, undefined, input.method_name, totpChange(input), env).id }) },
  },
});

export const totpMethodPath = definePath({
  template: "mfa/method/totp/{id}",
  help: { synopsis: "Reads, changes or deletes a TOTP method of logins.", description: "One that an enforcement names cannot be deleted." },
  fields: { ...TOTP_FIELDS, method_name: METHOD_NAME, id: ID },
  operations: {
    read: { effect: "read", summary: "Read a TOTP method.", handler: read },
    update: {
      effect: "write", summary: "Change a TOTP method.",
      handler: ({ input }, storage, { env }) => {
        putMethod(storage, known(storage, input.id), input.method_name, totpChange(input), env);
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write", summary: "Delete a TOTP method with all its secrets.",
      handler: async ({ input }, storage) => {
        const method = getMethod(storage, input.id);
        if (!method) return NO_CONTENT;
        const user = Object.values(enforcements(storage)).find(({ methodIds }) => methodIds.includes(method.id));
        if (user) throw invalid(`methodID is still used by an enforcement configuration with ID: ${user.id}`);
        await destroySecretsOf(storage, method.id);
        removeMethod(storage, method);
        return NO_CONTENT;
      },
    },
  },
});

export const totpGeneratePath = definePath({
  template: "mfa/method/totp/generate",
  help: { synopsis: "Makes the caller's secret for a TOTP method.", description: "Shown once, as an otpauth:// URL and as a QR code. Whoever has one already gets a warning." },
  fields: { method_id: METHOD_ID },
  operations: {
    update: {
      effect: "write", summary: "Make the caller's secret.",
      handler: ({ input, caller }, storage, { env }) => {
        if (!caller || caller.entityId === "") throw invalid("missing entityID");
        return generateSecret(storage, known(storage, input.method_id), identityOf(storage, caller.entityId)?.entity.id ?? "", env);
      },
    },
  },
});

export const totpAdminGeneratePath = definePath({
  template: "mfa/method/totp/admin-generate",
  help: { synopsis: "Makes an entity's secret for a TOTP method.", description: "As generate, on behalf of another: for those who cannot log in without it." },
  fields: { method_id: METHOD_ID, entity_id: ENTITY_ID },
  operations: { update: { effect: "write", summary: "Make an entity's secret.", handler: ({ input }, storage, { env }) => generateSecret(storage, known(storage, input.method_id), input.entity_id, env) } },
});

export const totpAdminDestroyPath = definePath({
  template: "mfa/method/totp/admin-destroy",
  help: { synopsis: "Destroys an entity's secret for a TOTP method.", description: "For a lost device: a new one can be made then." },
  fields: { method_id: METHOD_ID, entity_id: ENTITY_ID },
  operations: {
    update: {
      effect: "write", summary: "Destroy an entity's secret.",
      handler: ({ input }, storage) => {
        destroySecret(storage, input.entity_id, known(storage, input.method_id).id);
        return NO_CONTENT;
      },
    },
  },
});

/** Their services are asked over the network, and there is no client for them here. */
export const absentMethodPaths = (["duo", "okta", "pingid"] as const).map((type) =>
  definePath({
    template: `mfa/method/${type}` as "mfa/method/duo",
    help: { synopsis: `Refused: there are no ${type} methods in this version.`, description: "TOTP is there." },
    fields: {},
    freeForm: true,
    operations: {
      list: { effect: "read", summary: "List nothing.", handler: () => undefined },
      update: {
        effect: "read", summary: "Refused.",
        handler: () => {
          throw new RequestError("not_implemented", `MFA methods of type ${type} are not supported by this version; use totp`);
        },
      },
    },
  }),
);
