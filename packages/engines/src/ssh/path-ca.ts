import { data, definePath, invalid, NO_CONTENT, raw } from "@coffer/state-machine";
import { KEY_PAIR, makeIssuer, showIssuer } from "./issuer-input.js";
import { allIssuers, DEFAULT_REF, findIssuer, removeIssuer } from "./issuer-storage.js";

const UNCONFIGURED = "keys haven't been configured yet";

export const caPath = definePath({
  template: "config/ca",
  help: { synopsis: "The key pair that certificates are signed with.", description: "It is generated here, or comes from outside, and is the default issuer. It is deleted before another takes its place in this way; `issuers/import` adds others." },
  fields: KEY_PAIR,
  operations: {
    read: {
      effect: "read",
      summary: "Read the CA's public key.",
      handler(_request, storage) {
        const issuer = findIssuer(storage, DEFAULT_REF);
        if (!issuer) throw invalid(UNCONFIGURED);
        return data(showIssuer(issuer));
      },
    },
    update: {
      effect: "write",
      summary: "Generate or set the CA's key pair.",
      handler({ input }, storage, { env }) {
        if (findIssuer(storage, DEFAULT_REF)) throw invalid("keys are already configured; delete them before reconfiguring");
        return makeIssuer(storage, env, input, "", true);
      },
    },
    delete: {
      effect: "write",
      summary: "Delete the key pairs of all issuers. What they signed stays valid.",
      async handler(_request, storage) {
        const issuers = await allIssuers(storage);
        for (const issuer of issuers) removeIssuer(storage, issuer);
        return issuers.length > 1 ? { ...NO_CONTENT, warnings: [`Deleted ${issuers.length} issuers, including default issuer if configured.`] } : NO_CONTENT;
      },
    },
  },
});

export const publicKeyPath = definePath({
  template: "public_key",
  help: { synopsis: "The CA's public key, as a file for sshd.", description: "Anybody may fetch it: `TrustedUserCAKeys` of sshd, or a line of known_hosts." },
  fields: {},
  operations: {
    read: {
      effect: "read",
      access: "none",
      summary: "Fetch the CA's public key.",
      handler(_request, storage) {
        const issuer = findIssuer(storage, DEFAULT_REF);
        if (!issuer) throw invalid(UNCONFIGURED);
        return raw(issuer.publicKey, "text/plain");
      },
    },
  },
});
