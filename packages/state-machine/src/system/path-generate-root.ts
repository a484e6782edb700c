import type { GenerateRootStatus } from "../barrier/generate-root.js";
import { NO_CONTENT, field, plain } from "../framework/index.js";
import type { Environment, WriteStorage } from "../framework/index.js";
import { createRootToken } from "../tokens/index.js";
import { decodeShare } from "./decode-share.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";
import type { SystemServices } from "./services.js";

/** Which token the quorum makes. */
interface Generation {
  /** `generate-root`, `generate-recovery-token`. */
  readonly path: string;
  /** "a root token" */
  readonly what: string;
  readonly description: string;
  /** Whether the encoding stands under its old name too. */
  readonly isRoot: boolean;
  readonly make: (storage: WriteStorage, services: SystemServices, env: Environment) => string;
}

/** Vault's body, of every answer of these paths. */
function statusBody(status: GenerateRootStatus, isRoot: boolean, more: { readonly otp?: string; readonly encoded?: string } = {}): Record<string, unknown> {
  const { otp = "", encoded = "" } = more;
  return {
    nonce: status.nonce,
    started: status.started,
    progress: status.progress,
    required: status.required,
    complete: encoded !== "",
    encoded_token: encoded,
    encoded_root_token: isRoot ? encoded : "",
    pgp_fingerprint: status.pgpFingerprint,
    otp,
    otp_length: status.otpLength,
  };
}

const attemptPath = ({ path, what, description, isRoot }: Generation, template = `${path}/attempt`) => systemPath({
  template,
  help: { synopsis: `Begins, describes or cancels the making of ${what}.`, description: `${description} It is told encoded with a one-time password, or encrypted for a PGP key.` },
  fields: {
    otp: field.string({ description: "One-time password as long as otp_length says; made and told once where absent.", sensitive: true, default: "" }),
    pgp_key: field.string({ description: "Public PGP key, in base64, to encrypt the token for.", default: "" }),
  },
  operations: {
    read: {
      summary: "Describes the attempt under way.", effect: "read", access: "none", activeOnly: true,
      handler: (_request, _storage, { services }) => plain(statusBody(services.generateRoot.status(), isRoot)),
    },
    update: {
      summary: "Begins an attempt.", effect: "write", access: "none",
      handler: async ({ id, input }, _storage, { services }) => {
        const { otp, ...status } = await services.generateRoot.start(id, { otp: input.otp, pgpKey: input.pgp_key });
        return plain(statusBody(status, isRoot, { otp }));
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
});

const updatePath = ({ path, what, isRoot, make }: Generation) => systemPath({
  template: `${path}/update`,
  help: { synopsis: `Takes one key share towards ${what}.`, description: "With the last share the token is made, and told encoded." },
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
        if (!encode) return plain(statusBody(status, isRoot));
        // In the write set of this request: there is a token exactly where its encoding is told.
        const encoded = await encode(make(storage, services, env));
        return plain(statusBody({ ...status, started: true, nonce: input.nonce }, isRoot, { encoded }));
      },
    },
  },
});

const ROOT: Generation = {
  path: "generate-root",
  what: "a root token",
  description: "A quorum of key share holders makes a root token where none is left.",
  isRoot: true,
  make: (storage, _services, env) => createRootToken(storage, env),
};

const RECOVERY: Generation = {
  path: "generate-recovery-token",
  what: "a recovery token",
  description: "A quorum of key share holders unseals a node that runs in recovery mode, and makes the one token that it takes.",
  isRoot: false,
  make: (_storage, { recoveryToken }) => recoveryToken!(),
};

/** Vault has the attempt by both names. */
export const generateRootPaths: readonly SystemPath[] = [attemptPath(ROOT, ROOT.path), attemptPath(ROOT), updatePath(ROOT)];
/** In recovery mode only. */
export const recoveryTokenPaths: readonly SystemPath[] = [attemptPath(RECOVERY), updatePath(RECOVERY)];
