import type { GenerateRootStatus } from "../barrier/generate-root.js";
import { NO_CONTENT, field, plain } from "../framework/index.js";
import { createRootToken } from "../tokens/index.js";
import { decodeShare } from "./decode-share.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";

/** Vault's body, of every answer of these paths. */
function statusBody(status: GenerateRootStatus, more: { readonly otp?: string; readonly encoded?: string } = {}): Record<string, unknown> {
  const { otp = "", encoded = "" } = more;
  return {
    nonce: status.nonce,
    started: status.started,
    progress: status.progress,
    required: status.required,
    complete: encoded !== "",
    encoded_token: encoded,
    encoded_root_token: encoded,
    pgp_fingerprint: status.pgpFingerprint,
    otp,
    otp_length: status.otpLength,
  };
}

/** Vault has it by both names. */
const attempts = (["generate-root", "generate-root/attempt"] as const).map((template) => systemPath({
  template,
  help: { synopsis: "Begins, describes or cancels the making of a root token.", description: "A quorum of key share holders makes a root token where none is left. It is told encoded with a one-time password, or encrypted for a PGP key." },
  fields: {
    otp: field.string({ description: "One-time password as long as otp_length says; made and told once where absent.", sensitive: true, default: "" }),
    pgp_key: field.string({ description: "Public PGP key, in base64, to encrypt the token for.", default: "" }),
  },
  operations: {
    read: {
      summary: "Describes the attempt under way.", effect: "read", access: "none", activeOnly: true,
      handler: (_request, _storage, { services }) => plain(statusBody(services.generateRoot.status())),
    },
    update: {
      summary: "Begins an attempt.", effect: "write", access: "none",
      handler: async ({ id, input }, _storage, { services }) => {
        const { otp, ...status } = await services.generateRoot.start(id, { otp: input.otp, pgpKey: input.pgp_key });
        return plain(statusBody(status, { otp }));
      },
    },
    delete: {
      summary: "Cancels the attempt under way.", effect: "write", access: "none",
      handler: (_request, _storage, { services }) => {
        services.generateRoot.cancel();
        return NO_CONTENT;
      },
    },
  },
}));

const update = systemPath({
  template: "generate-root/update",
  help: { synopsis: "Takes one key share towards a root token.", description: "With the last share the token is made, and told encoded." },
  fields: {
    key: field.string({ description: "One key share, in hex or base64.", sensitive: true, default: "" }),
    nonce: field.string({ description: "Of the attempt.", default: "" }),
  },
  operations: {
    update: {
      summary: "Takes one key share.", effect: "write", access: "none",
      handler: async ({ id, input }, storage, { services, env }) => {
        const share = decodeShare(input.key);
        const { encode, ...status } = await services.generateRoot.update(id, share, input.nonce);
        if (!encode) return plain(statusBody(status));
        // In the write set of this request: there is a token exactly where its encoding is told.
        const encoded = await encode(createRootToken(storage, env));
        return plain(statusBody({ ...status, started: true, nonce: input.nonce }, { encoded }));
      },
    },
  },
});

export const generateRootPaths: readonly SystemPath[] = [...attempts, update];
