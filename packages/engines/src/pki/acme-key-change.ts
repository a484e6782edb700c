import { calculateJwkThumbprint } from "jose";
import type { JWK } from "jose";
import type { AcmeContext, AcmeAnswer } from "./acme-directory.js";
import { requireAccount } from "./acme-directory.js";
import { verifyInner } from "./acme-jws.js";
import { AcmeProblem } from "./acme-problem.js";
import { accountIdOf, deleteThumbprint, putAccount, putThumbprint } from "./acme-storage.js";
import { showAccount } from "./acme-requests.js";

/**
 * The account's key gives way to another (RFC 8555, 7.3.5). The old key signs the request, the new one what is inside of it,
 * which names the account and the old key: so neither can be changed without its holder. Throws AcmeProblem.
 */
export async function changeKey(context: AcmeContext): Promise<AcmeAnswer> {
  const { storage, directory: { base, prefix }, signed } = context;
  const account = requireAccount(context);
  const accountUrl = `${base}account/${account.id}`;
  const { jwk, payload } = await verifyInner(signed.payload ?? {}, signed.url);
  if (payload["account"] !== accountUrl) throw new AcmeProblem("malformed", "the account of the inner request is another");
  if ((await thumbprintOf(payload["oldKey"])) !== signed.thumbprint) throw new AcmeProblem("malformed", "oldKey of the inner request is not the account's key");
  const thumbprint = await thumbprintOf(jwk);
  const holder = accountIdOf(storage, prefix, thumbprint);
  if (holder !== undefined) throw new AcmeProblem("malformed", "there is an account with this key", { status: 409, location: `${base}account/${holder}` });
  const changed = { ...account, jwk };
  deleteThumbprint(storage, prefix, signed.thumbprint);
  putThumbprint(storage, prefix, thumbprint, account.id);
  putAccount(storage, changed);
  return { body: showAccount(changed, base), location: accountUrl };
}

async function thumbprintOf(jwk: unknown): Promise<string> {
  try {
    return await calculateJwkThumbprint(jwk as JWK);
  } catch {
    throw new AcmeProblem("malformed", "a key of the inner request is none");
  }
}
