import { data, definePath, field, invalid, NO_CONTENT } from "@coffer/state-machine";
import { publicKeyFrom } from "../web-tokens/signature.js";
import { withPod } from "./pod.js";
import { getConfig, putConfig } from "./storage.js";

export const configPath = definePath({
  template: "config",
  help: {
    synopsis: "Configures the cluster whose service accounts log in.",
    description: "A write replaces the whole configuration. The reviewer's token is never shown. In a pod, the pod's own token and authority stand in for those that are not given.",
  },
  fields: {
    kubernetes_host: field.string({ description: "URL of the cluster's API. Required.", default: "" }),
    kubernetes_ca_cert: field.string({ description: "Authorities (PEM) that the API's certificate must come from.", default: "" }),
    token_reviewer_jwt: field.string({ description: "Service account token that may review others (system:auth-delegator). Without one, the token that logs in reviews itself.", default: "", sensitive: true }),
    pem_keys: field.commaList({ description: "Public keys or certificates (PEM) that sign service account tokens; checked before the API is asked.", default: [] }),
    issuer: field.string({ description: "What the `iss` claim must be where disable_iss_validation is false.", default: "", deprecated: true }),
    disable_iss_validation: field.bool({ description: "Whether any issuer is taken: the API knows its own tokens.", default: true, deprecated: true }),
    disable_local_ca_jwt: field.bool({ description: "Whether the pod's own token and authority are left alone.", default: false }),
    use_annotations_as_alias_metadata: field.bool({ description: "Whether annotations of the service account that begin with vault.hashicorp.com/alias-metadata- become metadata of its alias.", default: false }),
  },
  operations: {
    read: {
      effect: "read",
      summary: "Read the configuration, without the reviewer's token.",
      handler(_request, storage) {
        const config = getConfig(storage);
        if (!config) return undefined;
        const { token_reviewer_jwt: token, ...shown } = config;
        return data({ ...shown, token_reviewer_jwt_set: token !== "" });
      },
    },
    update: {
      effect: "write",
      summary: "Replace the configuration.",
      async handler({ input }, storage) {
        if (input.kubernetes_host === "") throw invalid("no host provided");
        if (!/^https?:\/\//.test(input.kubernetes_host) || !URL.canParse(input.kubernetes_host)) throw invalid("kubernetes_host must be a URL");
        if (input.disable_local_ca_jwt && input.kubernetes_ca_cert === "") throw invalid("kubernetes_ca_cert must be given when disable_local_ca_jwt is true");
        for (const pem of input.pem_keys) {
          try {
            publicKeyFrom(pem);
          } catch (error) {
            throw invalid((error as Error).message);
          }
        }
        const { kubernetes_ca_cert: ca } = await withPod(input);
        if (ca !== "" && !ca.includes("-----BEGIN CERTIFICATE-----")) throw invalid("kubernetes_ca_cert does not contain any valid certificates");
        putConfig(storage, input);
        return NO_CONTENT;
      },
    },
  },
});
