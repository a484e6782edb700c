import { field, invalid } from "@coffer/state-machine";
import type { InputOf } from "@coffer/state-machine";

/** Fields of Vault's for identity federation, which is not served: a value in one is refused rather than forgotten. */
export const federationFields = {
  role_arn: field.string({ description: "Identity federation with plugin identity tokens; not served.", default: "" }),
  identity_token_ttl: field.duration({ description: "Lifetime of plugin identity tokens; not served.", default: 0 }),
  identity_token_audience: field.string({ description: "Identity federation with plugin identity tokens; not served.", default: "" }),
};

/** As a read shows them. */
export const NO_FEDERATION = Object.freeze({ role_arn: "", identity_token_audience: "", identity_token_ttl: 0 });

/** Throws RequestError 400 for what is in one of them. */
export function refuseFederation({ role_arn, identity_token_audience, identity_token_ttl }: InputOf<typeof federationFields>): void {
  if (role_arn !== "" || identity_token_audience !== "" || identity_token_ttl > 0) {
    throw invalid("role_arn, identity_token_audience and identity_token_ttl (identity federation) are not supported: use access_key and secret_key, or the credentials of the environment");
  }
}
