import type { RekeyBackup, RekeyControl, RekeyRequest, RekeyResult, RekeyStatus, RekeyTarget } from "../barrier/rekey-control.js";
import { RequestError } from "../errors.js";
import { NO_CONTENT, data, field, plain } from "../framework/index.js";
import { decodeShare, inBase64, inHex } from "./decode-share.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";

export const REKEY_FIELDS = {
  secret_shares: field.int({ description: "Number of shares of the new key.", default: 0 }),
  secret_threshold: field.int({ description: "Number of shares that are a quorum from then on.", default: 0 }),
  stored_shares: field.int({ description: "Of no effect.", deprecated: true }),
  pgp_keys: field.commaList({ description: "Public PGP keys, in base64, one a share: each new share is told encrypted for the key at its place.", default: [] }),
  backup: field.bool({ description: "Whether the encrypted shares are kept in the cluster as well.", default: false }),
  require_verification: field.bool({ description: "Whether the new shares come into force only when they have been given back.", default: false }),
};

export const SHARE_FIELDS = {
  key: field.string({ description: "One key share, in hex or base64.", sensitive: true, default: "" }),
  nonce: field.string({ description: "Of the operation.", default: "" }),
};

interface RekeyInput {
  readonly secret_shares: number;
  readonly secret_threshold: number;
  readonly pgp_keys: readonly string[];
  readonly backup: boolean;
  readonly require_verification: boolean;
}

export function rekeyRequest(input: RekeyInput): RekeyRequest {
  return { secretShares: input.secret_shares, secretThreshold: input.secret_threshold, pgpKeys: input.pgp_keys, backup: input.backup, requireVerification: input.require_verification };
}

export function rekeyStatusBody(status: RekeyStatus): Record<string, unknown> {
  return {
    nonce: status.nonce,
    started: status.started,
    t: status.threshold,
    n: status.shares,
    progress: status.progress,
    required: status.required,
    pgp_fingerprints: status.pgpFingerprints,
    backup: status.backup,
    verification_required: status.verificationRequired,
    ...(status.verificationNonce !== "" && { verification_nonce: status.verificationNonce }),
  };
}

export function rekeyResultBody(result: RekeyResult): Record<string, unknown> {
  return {
    nonce: result.nonce,
    complete: true,
    keys: result.shares.map(inHex),
    keys_base64: result.shares.map(inBase64),
    pgp_fingerprints: result.pgpFingerprints,
    backup: result.backup,
    verification_required: result.verificationRequired,
    ...(result.verificationNonce !== "" && { verification_nonce: result.verificationNonce }),
    ...(result.warnings.length > 0 && { warnings: result.warnings }),
  };
}

export function verifyStatusBody(control: RekeyControl): Record<string, unknown> {
  const { nonce, started, threshold, shares, progress } = control.verifyStatus();
  return { nonce, started, t: threshold, n: shares, progress };
}

export function backupBody(backup: RekeyBackup | undefined): Record<string, unknown> {
  if (!backup) throw new RequestError("invalid_request", "no backed-up keys found");
  const base64 = Object.entries(backup.keys).map(([fingerprint, keys]) => [fingerprint, keys.map((key) => inBase64(Buffer.from(key, "hex")))] as const);
  return { nonce: backup.nonce, keys: backup.keys, keys_base64: Object.fromEntries(base64) };
}

const NAMES: Readonly<Record<RekeyTarget, { readonly path: "rekey" | "rekey-recovery-key"; readonly backup: "rekey/backup" | "rekey/recovery-key-backup"; readonly what: string }>> = {
  barrier: { path: "rekey", backup: "rekey/backup", what: "unseal key" },
  recovery: { path: "rekey-recovery-key", backup: "rekey/recovery-key-backup", what: "recovery key" },
};

function initPath(target: RekeyTarget): SystemPath {
  const { path, what } = NAMES[target];
  return systemPath({
    template: `${path}/init`,
    help: { synopsis: `Begins, describes or cancels another ${what}.`, description: `A quorum of holders of the present ${what}'s shares replaces it. What was given so far is kept in the active node's memory, and gone when another node becomes active.` },
    fields: REKEY_FIELDS,
    operations: {
      read: {
        summary: "Describes the operation under way.", effect: "read", access: "none", activeOnly: true,
        handler: (_request, _storage, { services }) => plain(rekeyStatusBody(services.rekey[target].status())),
      },
      update: {
        summary: "Begins the operation.", effect: "write", access: "none",
        handler: async ({ id, input }, _storage, { services }) => plain(rekeyStatusBody(await services.rekey[target].start(id, rekeyRequest(input)))),
      },
      delete: {
        summary: "Cancels the operation under way.", effect: "write", access: "none",
        handler: (_request, _storage, { services }) => {
          services.rekey[target].cancel();
          return NO_CONTENT;
        },
      },
    },
  });
}

function updatePath(target: RekeyTarget): SystemPath {
  const { path, what } = NAMES[target];
  return systemPath({
    template: `${path}/update`,
    help: { synopsis: `Takes one share of the present key towards another ${what}.`, description: "With the last share the new ones are made and told, once." },
    fields: SHARE_FIELDS,
    operations: {
      update: {
        summary: "Takes one key share.", effect: "write", access: "none",
        handler: async ({ id, input }, _storage, { services }) => {
          const result = await services.rekey[target].update(id, decodeShare(input.key), input.nonce);
          return plain(result ? rekeyResultBody(result) : rekeyStatusBody(services.rekey[target].status()));
        },
      },
    },
  });
}

function verifyPath(target: RekeyTarget): SystemPath {
  const { path, what } = NAMES[target];
  return systemPath({
    template: `${path}/verify`,
    help: { synopsis: `Takes one share of the new ${what}.`, description: "Where verification was asked for, the new shares come into force when enough of them have been given here." },
    fields: SHARE_FIELDS,
    operations: {
      read: {
        summary: "Describes the verification under way.", effect: "read", access: "none", activeOnly: true,
        handler: (_request, _storage, { services }) => plain(verifyStatusBody(services.rekey[target])),
      },
      update: {
        summary: "Takes one new share.", effect: "write", access: "none",
        handler: async ({ id, input }, _storage, { services }) => {
          const done = await services.rekey[target].verify(id, decodeShare(input.key), input.nonce);
          return plain(done ? { nonce: done.nonce, complete: true } : verifyStatusBody(services.rekey[target]));
        },
      },
      delete: {
        summary: "Begins the verification anew.", effect: "write", access: "none",
        handler: (_request, _storage, { services }) => {
          services.rekey[target].restartVerification();
          return plain(verifyStatusBody(services.rekey[target]));
        },
      },
    },
  });
}

function backupPath(target: RekeyTarget): SystemPath {
  const { backup, what } = NAMES[target];
  return systemPath({
    template: backup,
    help: { synopsis: `Gives or deletes the kept shares of the ${what}.`, description: "Encrypted for the PGP keys that were given; they are kept until they are deleted." },
    fields: {},
    operations: {
      read: {
        summary: "Gives the encrypted shares.", effect: "read",
        handler: (_request, _storage, { services }) => data(backupBody(services.rekey[target].backup()), { dual: true }),
      },
      delete: {
        summary: "Deletes the encrypted shares.", effect: "write",
        handler: async (_request, _storage, { services }) => {
          await services.rekey[target].deleteBackup();
          return NO_CONTENT;
        },
      },
    },
  });
}

const TARGETS: readonly RekeyTarget[] = ["barrier", "recovery"];

export const rekeyPaths: readonly SystemPath[] = TARGETS.flatMap((target) => [initPath(target), updatePath(target), verifyPath(target), backupPath(target)]);
