import type { Context } from "./context.js";
import { recordOf } from "./json.js";
import { askHidden } from "./prompt.js";
import { call, type Secret } from "./secret.js";
import { wrapText } from "../output/wrap.js";

export function needsMfa(secret: Secret): boolean {
  return recordOf(secret.auth?.["mfa_requirement"]) !== undefined;
}

/**
 * Completes a login that a second factor guards, where one method is asked for and somebody is there to answer.
 * Otherwise says what to do, and hands the requirement back.
 */
export async function validateInteractively(context: Context, secret: Secret): Promise<Secret> {
  const requirement = recordOf(secret.auth?.["mfa_requirement"]) ?? {};
  const method = onlyMethod(requirement);
  if (method === undefined || context.flags.bool("non-interactive") || context.io.stdin.isTTY !== true) {
    context.warn(
      `${wrapText("A login request was issued that is subject to MFA validation. Please make sure to validate the login by sending another request to sys/mfa/validate endpoint.")}\n`,
    );
    return secret;
  }
  context.warn("Initiating Interactive MFA Validation...");
  let passcode = "";
  if (method["uses_passcode"] === true) {
    passcode = await askHidden(context.io, `Enter the passphrase for methodID "${String(method["id"])}" of type "${String(method["type"])}":`, false);
  } else {
    context.warn("Asking Vault to perform MFA validation with upstream service. You should receive a push notification in your authenticator app shortly");
  }
  const body = { mfa_request_id: requirement["mfa_request_id"], mfa_payload: { [String(method["id"])]: [passcode] } };
  const client = await context.client();
  return (await context.attempt("", call(client, "POST", "sys/mfa/validate", { body }))) ?? secret;
}

function onlyMethod(requirement: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined {
  const constraints = Object.values(recordOf(requirement["mfa_constraints"]) ?? {});
  const any = constraints.length === 1 ? recordOf(constraints[0])?.["any"] : undefined;
  return Array.isArray(any) && any.length === 1 ? recordOf(any[0]) : undefined;
}
