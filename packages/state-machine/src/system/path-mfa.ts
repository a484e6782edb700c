import { RequestError, denied, invalid } from "../errors.js";
import { NO_CONTENT, data, field, keyList, refusal } from "../framework/index.js";
import type { EngineRequest, Field, InputOf, Mount, ReadStorage, Response, WriteStorage } from "../framework/index.js";
import { identityOf } from "../identity/index.js";
import { DUO_FIELDS, OKTA_FIELDS, PINGID_FIELDS, TOTP_FIELDS, destroySecret, destroySecretsOf, duoChange, enforcementsFor, generateSecret, getPending, getStepUp, listStepUps, methodBody, oktaChange, parseMfaPayload, pingIdChange, putStepUp, removePending, removeStepUp, satisfy, totpChange } from "../mfa/index.js";
import type { MethodType, MfaMethod, SettingsChange, TotpMethod } from "../mfa/index.js";
import { mountRow } from "../mounts/index.js";
import { tokenFor } from "../request/finish.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";

const NAME = field.string({ description: "Name of the method, as policies' `mfa_methods` and X-Vault-MFA say it.", required: true });
const ENTITY_ID = field.string({ description: "Id of the entity.", required: true });

function known(storage: ReadStorage, name: string): TotpMethod {
  const method = getStepUp(storage, name);
  if (method?.type !== "totp") throw invalid(`MFA method ${JSON.stringify(name)} does not exist`);
  return method;
}

/** Of a type, or all. */
const listMethods = (type?: MethodType) => async (_request: unknown, storage: ReadStorage): Promise<Response | undefined> => keyList((await listStepUps(storage)).filter((one) => type === undefined || one.type === type).map(({ name }) => name).sort());

/** The caller's own; nobody can make another's with it. */
async function generate({ input, caller }: EngineRequest<{ readonly name: string }>, storage: WriteStorage, { env }: Mount): Promise<Response> {
  const method = known(storage, input.name);
  if (!caller || caller.entityId === "") throw invalid("missing entityID");
  const identity = identityOf(storage, caller.entityId);
  return generateSecret(storage, method, identity?.entity.id ?? "", env);
}

const stepUpPaths: readonly SystemPath[] = [
  systemPath({
    template: "mfa/method",
    help: { synopsis: "Lists the methods of step-up MFA.", description: "Those that policies can name in `mfa_methods`." },
    fields: {},
    operations: { list: { summary: "Lists the methods.", effect: "read", handler: listMethods() } },
  }),
  systemPath({
    template: "mfa/method/totp",
    help: { synopsis: "Lists the TOTP methods of step-up MFA.", description: "Those that policies can name in `mfa_methods`." },
    fields: {},
    operations: { list: { summary: "Lists the TOTP methods.", effect: "read", handler: listMethods("totp") } },
  }),
  systemPath({
    template: "mfa/method/totp/{name}",
    help: { synopsis: "Creates, reads, changes or deletes a TOTP method of step-up MFA.", description: "A path whose policy names it in `mfa_methods` is open only to requests with a code of it in X-Vault-MFA." },
    fields: { ...TOTP_FIELDS, name: NAME },
    operations: {
      read: {
        summary: "Reads a TOTP method.", effect: "read",
        handler: ({ input }, storage) => {
          const method = ofType(storage, input.name, "totp");
          return method && data(methodBody(method));
        },
      },
      update: {
        summary: "Creates or changes a TOTP method.", effect: "write",
        handler: ({ input }, storage, { env }) => {
          putStepUp(storage, input.name, totpChange(input), env);
          return NO_CONTENT;
        },
      },
      delete: {
        summary: "Deletes a TOTP method with all its secrets; paths that demand it are closed then.", effect: "write",
        handler: async ({ input }, storage) => {
          const method = ofType(storage, input.name, "totp");
          if (!method) return NO_CONTENT;
          await destroySecretsOf(storage, method.id);
          removeStepUp(storage, input.name);
          return NO_CONTENT;
        },
      },
    },
  }),
  systemPath({
    template: "mfa/method/totp/{name}/generate",
    help: { synopsis: "Makes the caller's secret for a TOTP method.", description: "Shown once, as an otpauth:// URL and as a QR code. Whoever has one already gets a warning." },
    fields: { name: NAME },
    operations: {
      read: { summary: "Makes the caller's secret.", effect: "write", handler: generate },
      update: { summary: "Makes the caller's secret.", effect: "write", handler: generate },
    },
  }),
  systemPath({
    template: "mfa/method/totp/{name}/admin-generate",
    help: { synopsis: "Makes an entity's secret for a TOTP method.", description: "As generate, on behalf of another." },
    fields: { name: NAME, entity_id: ENTITY_ID },
    operations: { update: { summary: "Makes an entity's secret.", effect: "write", handler: ({ input }, storage, { env }) => generateSecret(storage, known(storage, input.name), input.entity_id, env) } },
  }),
  systemPath({
    template: "mfa/method/totp/{name}/admin-destroy",
    help: { synopsis: "Destroys an entity's secret for a TOTP method.", description: "For a lost device: a new one can be made then." },
    fields: { name: NAME, entity_id: ENTITY_ID },
    operations: {
      update: {
        summary: "Destroys an entity's secret.", effect: "write",
        handler: ({ input }, storage) => {
          destroySecret(storage, input.entity_id, known(storage, input.name).id);
          return NO_CONTENT;
        },
      },
    },
  }),
];

const MOUNT_ACCESSOR = field.string({ description: "Accessor of the auth mount whose alias is the user's name there. Empty: the entity's own name.", default: "" });

function ofType(storage: ReadStorage, name: string, type: MethodType): MfaMethod | undefined {
  const method = getStepUp(storage, name);
  return method?.type === type ? method : undefined;
}

/** Methods that ask a service: a list of them, and each by its name. */
function askedPaths<F extends Record<string, Field<unknown>>>(type: Exclude<MethodType, "totp">, title: string, fields: F, change: (input: InputOf<F>, mountAccessor: string) => SettingsChange): readonly SystemPath[] {
  type Input = { readonly input: InputOf<F> & { readonly name: string; readonly mount_accessor: string } };
  return [
    systemPath({
      template: `mfa/method/${type}` as "mfa/method/duo",
      help: { synopsis: `Lists the ${title} methods of step-up MFA.`, description: "Those that policies can name in `mfa_methods`." },
      fields: {},
      operations: { list: { summary: `Lists the ${title} methods.`, effect: "read", handler: listMethods(type) } },
    }),
    systemPath({
      template: `mfa/method/${type}/{name}` as "mfa/method/duo/{name}",
      help: { synopsis: `Creates, reads, changes or deletes a ${title} method of step-up MFA.`, description: "A path whose policy names it in `mfa_methods` is open only to requests whose user says yes there." },
      fields: { ...fields, mount_accessor: MOUNT_ACCESSOR, name: NAME } as unknown as { readonly name: typeof NAME },
      operations: {
        read: {
          summary: `Reads a ${title} method.`, effect: "read",
          handler: ({ input }, storage) => {
            const method = ofType(storage, input.name, type);
            return method && data(methodBody(method));
          },
        },
        update: {
          summary: `Creates or changes a ${title} method.`, effect: "write",
          handler: (request, storage, { env }) => {
            const { input } = request as unknown as Input;
            putStepUp(storage, input.name, change(input, input.mount_accessor), env);
            return NO_CONTENT;
          },
        },
        delete: {
          summary: `Deletes a ${title} method; paths that demand it are closed then.`, effect: "write",
          handler: ({ input }, storage) => {
            if (ofType(storage, input.name, type)) removeStepUp(storage, input.name);
            return NO_CONTENT;
          },
        },
      },
    }),
  ];
}

/** A login that waits is granted by its second factor, as it would have been at once. */
function validate({ input, remoteAddress, verdicts }: EngineRequest<{ readonly mfa_request_id: string; readonly mfa_payload: Readonly<Record<string, unknown>> | undefined }>, storage: WriteStorage, { env }: Mount): Response {
  if (input.mfa_request_id === "") throw invalid("missing request ID");
  if (input.mfa_payload === undefined) throw invalid("missing mfa payload");
  const credentials = parseMfaPayload(input.mfa_payload);
  const pending = getPending(storage, input.mfa_request_id, env);
  const mount = pending && mountRow(storage, pending.mountUuid);
  if (!pending || !mount || mount.tainted) throw invalid("invalid request ID");
  const identity = identityOf(storage, pending.entityId);
  if (!identity || identity.entity.disabled) throw denied();
  const demanded = enforcementsFor(storage, mount, identity);
  if (demanded.length === 0) throw invalid("no MFA enforcement applies to this login any more; log in again");
  const problem = satisfy(storage, demanded, { entityId: identity.entity.id, remoteAddress, verdicts }, credentials, env);
  if (problem !== undefined) return refusal(new RequestError("permission_denied", problem));
  removePending(storage, input.mfa_request_id, pending);
  const { auth, warnings } = tokenFor(storage, pending.grant, { ...pending, entityId: identity.entity.id }, env);
  return { kind: "envelope", data: null, auth, warnings };
}

export const mfaPaths: readonly SystemPath[] = [
  ...stepUpPaths,
  ...askedPaths("duo", "Duo", DUO_FIELDS, duoChange),
  ...askedPaths("okta", "Okta", OKTA_FIELDS, oktaChange),
  ...askedPaths("pingid", "PingID", PINGID_FIELDS, pingIdChange),
  systemPath({
    template: "mfa/validate",
    help: { synopsis: "Completes a login by its second factor.", description: "The login's `mfa_requirement` names the request and the methods. A wrong code leaves it waiting, for five minutes in all." },
    fields: {
      mfa_request_id: field.string({ description: "`mfa_requirement.mfa_request_id` of the login.", default: "" }),
      mfa_payload: field.map({ description: "Method ids (or names), each with a list of its credentials: a passcode.", sensitive: true }),
    },
    operations: { update: { summary: "Completes a login.", effect: "write", access: "none", handler: validate } },
  }),
];
