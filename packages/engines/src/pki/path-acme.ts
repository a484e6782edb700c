import { definePath, field, raw } from "@coffer/state-machine";
import type { AnyPath, EngineRequest, HandlerResult, Mount, ReadStorage, WriteStorage } from "@coffer/state-machine";
import { changeKey } from "./acme-key-change.js";
import { acmeRevoke, changeAccount, newAccount, readCertificate, readChallenge, readAuthorization, readOrder, listOrders, newOrder, finalizeOrder } from "./acme-requests.js";
import { answerSigned, openDirectory, problemsAnswered } from "./acme-directory.js";
import type { AcmeContext, DirectoryInput } from "./acme-directory.js";
import { newNonce } from "./acme-jws.js";
import { getAcmeConfig } from "./acme-storage.js";

const NAME = { name: field.name({ description: "Name of the role whose rules apply.", required: true }) };
const ISSUER = { issuer_ref: field.string({ description: "Name or id of the issuer that signs.", required: true }) };
const ID = { id: field.string({ description: "Id of the account, order or authorization.", required: true }) };
const TYPE = { type: field.string({ description: "Type of the challenge.", required: true }) };

/** Each directory is the same under another prefix. */
const PREFIXES = [
  ["", {}],
  ["roles/{name}/", NAME],
  ["issuer/{issuer_ref}/", ISSUER],
  ["issuer/{issuer_ref}/roles/{name}/", { ...ISSUER, ...NAME }],
] as const;

type Input = DirectoryInput & { readonly id: string; readonly type: string };
type Signed = (context: AcmeContext, input: Input) => ReturnType<Parameters<typeof answerSigned>[3]>;

const DESCRIPTION = "A part of ACME (RFC 8555). Without a token: requests are signed by the client's own key.";

function signedPath(prefix: string, fields: Record<string, never>, template: string, summary: string, handle: Signed): AnyPath {
  const handler = (request: EngineRequest<Input>, storage: WriteStorage, mount: Mount): HandlerResult => answerSigned(request, storage, mount, (context) => handle(context, request.input));
  return definePath<string, Record<string, never>>({
    template: `${prefix}acme/${template}`,
    help: { synopsis: summary, description: DESCRIPTION },
    fields,
    freeForm: true,
    operations: { update: { effect: "write", access: "none", summary, handler: handler as never } },
  });
}

function openPath(prefix: string, fields: Record<string, never>, template: string, summary: string, handle: (input: Input, storage: ReadStorage, mount: Mount) => ReturnType<typeof raw>): AnyPath {
  const handler = (request: EngineRequest<Input>, storage: ReadStorage, mount: Mount): HandlerResult => problemsAnswered(storage, mount, () => handle(request.input, storage, mount));
  return definePath<string, Record<string, never>>({
    template: `${prefix}acme/${template}`,
    help: { synopsis: summary, description: DESCRIPTION },
    fields,
    operations: { read: { effect: "read", access: "none", summary, handler: handler as never } },
  });
}

function directory(input: DirectoryInput, storage: ReadStorage) {
  const { base } = openDirectory(storage, input);
  const { eab_policy } = getAcmeConfig(storage);
  const body = {
    newNonce: `${base}new-nonce`,
    newAccount: `${base}new-account`,
    newOrder: `${base}new-order`,
    revokeCert: `${base}revoke-cert`,
    keyChange: `${base}key-change`,
    meta: { externalAccountRequired: eab_policy === "always-required" || eab_policy === "new-account-required" },
  };
  return raw(JSON.stringify(body), "application/json");
}

function nonce(input: DirectoryInput, storage: ReadStorage, { env }: Mount) {
  const { base } = openDirectory(storage, input);
  return raw("", "application/json", 200, { "Replay-Nonce": newNonce(storage, env), Link: `<${base}directory>;rel="index"` });
}

export const acmePaths: readonly AnyPath[] = PREFIXES.flatMap(([prefix, fields]) => {
  const own = fields as unknown as Record<string, never>;
  const withId = { ...fields, ...ID } as unknown as Record<string, never>;
  return [
    openPath(prefix, own, "directory", "Says where the parts of ACME are.", directory),
    openPath(prefix, own, "new-nonce", "Gives a nonce.", nonce),
    signedPath(prefix, own, "new-account", "Makes an account, or finds that of the key.", newAccount),
    signedPath(prefix, withId, "account/{id}", "Changes or deactivates an account.", changeAccount),
    signedPath(prefix, own, "new-order", "Asks for a certificate.", newOrder),
    signedPath(prefix, own, "orders", "Lists an account's orders.", listOrders),
    signedPath(prefix, withId, "order/{id}", "Reads an order.", readOrder),
    signedPath(prefix, withId, "order/{id}/finalize", "Hands in the request for the certificate of an order.", finalizeOrder),
    signedPath(prefix, withId, "order/{id}/cert", "Reads the certificate of an order.", readCertificate),
    signedPath(prefix, withId, "authorization/{id}", "Reads or deactivates an authorization.", readAuthorization),
    signedPath(prefix, { ...withId, ...TYPE } as unknown as Record<string, never>, "challenge/{id}/{type}", "Reads a challenge, or says that it is met.", readChallenge),
    signedPath(prefix, own, "key-change", "Gives an account another key.", changeKey),
    signedPath(prefix, own, "revoke-cert", "Revokes a certificate.", acmeRevoke),
  ];
});
