import { jsonObject, outgoing } from "../outgoing/request.js";
import { trustOf } from "./key-sets.js";
import type { Discovery } from "./key-sets.js";
import type { JwtConfig } from "./storage.js";

export interface FormAnswer {
  readonly status: number;
  /** Empty for what is no JSON object. */
  readonly answer: Readonly<Record<string, unknown>>;
}

/** A form to the provider, by the client that the configuration names (RFC 6749, section 2.3.1). Rejects where it cannot be reached. */
export async function postForm(url: string, fields: Readonly<Record<string, string>>, config: JwtConfig, provider: Discovery): Promise<FormAnswer> {
  const { oidc_client_id: id, oidc_client_secret: secret } = config;
  const methods = provider.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  const inBody = !methods.includes("client_secret_basic") && methods.includes("client_secret_post");
  const form = new URLSearchParams({ ...fields, ...(inBody && { client_id: id, client_secret: secret }) });
  // Both are form-encoded first.
  const basic = Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString("base64");
  const { status, text } = await outgoing({
    url,
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json", ...(!inBody && { authorization: `Basic ${basic}` }) },
    body: form.toString(),
    ...trustOf(config),
  });
  return { status, answer: jsonObject(text) ?? {} };
}
