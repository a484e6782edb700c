import { data, definePath, destroySecret, destroySecretsOf, DUO_FIELDS, duoChange, enforcements, field, generateSecret, getMethod, identityOf, invalid, keyList, listMethods, methodBody, NO_CONTENT, OKTA_FIELDS, oktaChange, PINGID_FIELDS, pingIdChange, putMethod, removeMethod, TOTP_FIELDS, totpChange } from "@coffer/state-machine";
import type { AnyPath, Field, InputOf, MethodType, MfaMethod, ReadStorage, Response, SettingsChange, TotpMethod, WriteStorage } from "@coffer/state-machine";

const METHOD_NAME = field.string({ description: "Name of the method; may stand for its id in X-Vault-MFA and in `mfa_payload`.", default: "" });
const ID = field.string({ description: "Id of the method.", required: true });
const METHOD_ID = field.string({ description: "Id of the method.", required: true });
const ENTITY_ID = field.string({ description: "Id of the entity.", required: true });

/** Of a type, or all. */
const list = (type?: MethodType) => async (_request: unknown, storage: ReadStorage): Promise<Response | undefined> => {
  const methods = (await listMethods(storage)).filter((one) => type === undefined || one.type === type);
  return keyList(methods.map(({ id }) => id), Object.fromEntries(methods.map((method) => [method.id, methodBody(method)])));
};

const read = (type?: MethodType) => ({ input }: { readonly input: { readonly id: string } }, storage: ReadStorage): Response | undefined => {
  const method = getMethod(storage, input.id);
  if (!method) return undefined;
  if (type !== undefined) requireType(method, type);
  return data(methodBody(method));
};

function requireType(method: MfaMethod, type: MethodType): void {
  if (method.type !== type) throw invalid(`MFA type of the method ID ${JSON.stringify(method.type)} does not match specified type ${JSON.stringify(type)}`);
}

function known(storage: ReadStorage, id: string, type: MethodType): MfaMethod {
  const method = getMethod(storage, id);
  if (!method) throw invalid(`configuration for method ID ${JSON.stringify(id)} does not exist`);
  requireType(method, type);
  return method;
}

const knownTotp = (storage: ReadStorage, id: string): TotpMethod => known(storage, id, "totp") as TotpMethod;

async function remove(storage: WriteStorage, id: string, type: MethodType): Promise<Response> {
  const method = getMethod(storage, id);
  if (!method) return NO_CONTENT;
  requireType(method, type);
  const user = Object.values(enforcements(storage)).find(({ methodIds }) => methodIds.includes(method.id));
  if (user) throw invalid(`methodID is still used by an enforcement configuration with ID: ${user.id}`);
  await destroySecretsOf(storage, method.id);
  removeMethod(storage, method);
  return NO_CONTENT;
}

export const mfaMethodsPath = definePath({
  template: "mfa/method",
  help: { synopsis: "Lists the MFA methods of logins.", description: "With their settings." },
  fields: {},
  operations: { list: { effect: "read", summary: "List the methods.", handler: list() } },
});

export const mfaMethodPath = definePath({
  template: "mfa/method/{id}",
  help: { synopsis: "Reads an MFA method of logins.", description: "Whatever its type is." },
  fields: { id: ID },
  operations: { read: { effect: "read", summary: "Read a method.", handler: read() } },
});

export const totpMethodsPath = definePath({
  template: "mfa/method/totp",
  help: { synopsis: "Creates a TOTP method of logins, and lists them.", description: "It is asked for where a login enforcement names it." },
  fields: { ...TOTP_FIELDS, method_name: METHOD_NAME },
  operations: {
    list: { effect: "read", summary: "List the TOTP methods.", handler: list("totp") },
    update: { effect: "write", summary: "Create a TOTP method, or change the one of that name.", handler: ({ input }, storage, { env }) => data({ method_id: putMethod(storage, undefined, input.method_name, totpChange(input), env).id }) },
  },
});

export const totpMethodPath = definePath({
  template: "mfa/method/totp/{id}",
  help: { synopsis: "Reads, changes or deletes a TOTP method of logins.", description: "One that an enforcement names cannot be deleted." },
  fields: { ...TOTP_FIELDS, method_name: METHOD_NAME, id: ID },
  operations: {
    read: { effect: "read", summary: "Read a TOTP method.", handler: read("totp") },
    update: {
      effect: "write", summary: "Change a TOTP method.",
      handler: ({ input }, storage, { env }) => {
        putMethod(storage, known(storage, input.id, "totp"), input.method_name, totpChange(input), env);
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write", summary: "Delete a TOTP method with all its secrets.",
      handler: ({ input }, storage) => remove(storage, input.id, "totp"),
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
        return generateSecret(storage, knownTotp(storage, input.method_id), identityOf(storage, caller.entityId)?.entity.id ?? "", env);
      },
    },
  },
});

export const totpAdminGeneratePath = definePath({
  template: "mfa/method/totp/admin-generate",
  help: { synopsis: "Makes an entity's secret for a TOTP method.", description: "As generate, on behalf of another: for those who cannot log in without it." },
  fields: { method_id: METHOD_ID, entity_id: ENTITY_ID },
  operations: { update: { effect: "write", summary: "Make an entity's secret.", handler: ({ input }, storage, { env }) => generateSecret(storage, knownTotp(storage, input.method_id), input.entity_id, env) } },
});

export const totpAdminDestroyPath = definePath({
  template: "mfa/method/totp/admin-destroy",
  help: { synopsis: "Destroys an entity's secret for a TOTP method.", description: "For a lost device: a new one can be made then." },
  fields: { method_id: METHOD_ID, entity_id: ENTITY_ID },
  operations: {
    update: {
      effect: "write", summary: "Destroy an entity's secret.",
      handler: ({ input }, storage) => {
        destroySecret(storage, input.entity_id, knownTotp(storage, input.method_id).id);
        return NO_CONTENT;
      },
    },
  },
});

/** Methods that ask a service: one of them by its id, and the collection, which makes them and knows them by name. */
function askedPaths<F extends Record<string, Field<unknown>>>(type: Exclude<MethodType, "totp">, title: string, fields: F, change: (input: InputOf<F>) => SettingsChange): readonly AnyPath[] {
  const all = { ...fields, method_name: METHOD_NAME } as unknown as { readonly method_name: typeof METHOD_NAME };
  const settings = (input: unknown) => change(input as InputOf<F>);
  return [
    definePath({
      template: `mfa/method/${type}` as "mfa/method/duo",
      help: { synopsis: `Creates a ${title} method of logins, and lists them.`, description: "It is asked for where a login enforcement names it." },
      fields: all,
      operations: {
        list: { effect: "read", summary: `List the ${title} methods.`, handler: list(type) },
        update: { effect: "write", summary: `Create a ${title} method, or change the one of that name.`, handler: ({ input }, storage, { env }) => data({ method_id: putMethod(storage, undefined, input.method_name, settings(input), env).id }) },
      },
    }),
    definePath({
      template: `mfa/method/${type}/{id}` as "mfa/method/duo/{id}",
      help: { synopsis: `Reads, changes or deletes a ${title} method of logins.`, description: "One that an enforcement names cannot be deleted." },
      fields: { ...all, id: ID },
      operations: {
        read: { effect: "read", summary: `Read a ${title} method, without its secrets.`, handler: read(type) },
        update: {
          effect: "write", summary: `Change a ${title} method.`,
          handler: ({ input }, storage, { env }) => {
            putMethod(storage, known(storage, input.id, type), input.method_name, settings(input), env);
            return NO_CONTENT;
          },
        },
        delete: { effect: "write", summary: `Delete a ${title} method.`, handler: ({ input }, storage) => remove(storage, input.id, type) },
      },
    }),
  ];
}

export const askedMethodPaths = [
  ...askedPaths("duo", "Duo", DUO_FIELDS, duoChange),
  ...askedPaths("okta", "Okta", OKTA_FIELDS, oktaChange),
  ...askedPaths("pingid", "PingID", PINGID_FIELDS, pingIdChange),
];
