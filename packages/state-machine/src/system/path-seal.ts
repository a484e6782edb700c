import { checkRecoveryConfig, checkSealConfig } from "../barrier/index.js";
import { RequestError, invalid } from "../errors.js";
import { field, NO_CONTENT, plain } from "../framework/index.js";
import { decodeShare, inBase64, inHex } from "./decode-share.js";
import { systemPath } from "./define.js";
import type { NodeControl, SealStatus } from "./services.js";

/** The body of sys/seal-status and of every answer of sys/unseal. */
export function sealStatusBody(status: SealStatus, node: NodeControl): Record<string, unknown> {
  return {
    type: status.type,
    initialized: status.initialized,
    sealed: status.sealed,
    t: status.threshold,
    n: status.shares,
    progress: status.progress,
    nonce: status.nonce,
    version: node.version,
    build_date: node.buildDate,
    migration: status.migration ?? false,
    ...(status.sealed ? {} : { cluster_name: node.clusterName(), cluster_id: node.clusterId() }),
    recovery_seal: status.recoverySeal,
    ...(status.recoverySeal && { recovery_seal_type: "shamir" }),
    storage_type: status.storageType,
    ...(status.warnings && status.warnings.length > 0 && { warnings: status.warnings }),
  };
}

const BARRIER_FIELDS = ["secret_shares", "secret_threshold", "pgp_keys"] as const;
const RECOVERY_FIELDS = ["recovery_shares", "recovery_threshold", "recovery_pgp_keys"] as const;

const isNothing = (value: unknown): boolean => value === 0 || value === "" || (Array.isArray(value) && value.length === 0);

/** Shares of an unseal key make no sense under an auto seal, nor those of a recovery key without one. */
function refuseOthers(input: Readonly<Record<string, unknown>>, { type, recoverySeal }: SealStatus): void {
  const given = (recoverySeal ? BARRIER_FIELDS : RECOVERY_FIELDS).filter((name) => !isNothing(input[name]));
  if (given.length > 0) throw invalid(`parameters ${given.join(",")} not applicable to seal type ${type}`);
}

function checkNumbers(what: string, check: typeof checkSealConfig, shares: number, threshold: number, pgpKeys: readonly string[]): void {
  try {
    check(shares, threshold);
  } catch (error) {
    throw error instanceof RequestError ? invalid(`${what}: ${error.message}`) : error;
  }
  if (pgpKeys.length > 0 && pgpKeys.length !== shares) throw invalid(`${what}: count mismatch between number of provided PGP keys and number of shares`);
}

export const initPath = systemPath({
  template: "init",
  help: { synopsis: "Initializes the cluster.", description: "Reports whether the cluster is initialized, and initializes it once, giving out the unseal key shares (under an auto seal, the recovery key shares) and the initial root token." },
  fields: {
    secret_shares: field.int({ description: "Number of shares to split the unseal key into.", default: 0 }),
    secret_threshold: field.int({ description: "Number of shares needed to unseal.", default: 0 }),
    stored_shares: field.int({ description: "Of no effect.", deprecated: true }),
    pgp_keys: field.commaList({ description: "Public PGP keys, in base64, one a share: each share is told encrypted for the key at its place.", default: [] }),
    root_token_pgp_key: field.string({ description: "Public PGP key, in base64, to encrypt the root token for.", default: "" }),
    recovery_shares: field.int({ description: "Under an auto seal: number of shares to split the recovery key into; 0, with a threshold of 0, makes no recovery key.", default: 0 }),
    recovery_threshold: field.int({ description: "Under an auto seal: number of shares that are a quorum.", default: 0 }),
    recovery_pgp_keys: field.commaList({ description: "As pgp_keys, for the recovery key.", default: [] }),
  },
  operations: {
    read: {
      summary: "Reports whether the cluster is initialized.", effect: "read", access: "none", whileSealed: true, thisNode: true,
      handler: (_request, _storage, { services }) => plain({ initialized: services.seal.status().initialized }),
    },
    update: {
      summary: "Initializes the cluster.", effect: "write", access: "none", whileSealed: true, thisNode: true,
      handler: async ({ input }, _storage, { services: { seal } }) => {
        const status = seal.status();
        refuseOthers(input, status);
        if (status.recoverySeal) checkNumbers("invalid recovery configuration", checkRecoveryConfig, input.recovery_shares, input.recovery_threshold, input.recovery_pgp_keys);
        else checkNumbers("invalid seal configuration", checkSealConfig, input.secret_shares, input.secret_threshold, input.pgp_keys);
        const { keys, recoveryKeys, rootToken } = await seal.init({
          secretShares: input.secret_shares,
          secretThreshold: input.secret_threshold,
          pgpKeys: input.pgp_keys,
          rootTokenPgpKey: input.root_token_pgp_key,
          recoveryShares: input.recovery_shares,
          recoveryThreshold: input.recovery_threshold,
          recoveryPgpKeys: input.recovery_pgp_keys,
        });
        return plain({
          keys: keys.map(inHex),
          keys_base64: keys.map(inBase64),
          ...(recoveryKeys && { recovery_keys: recoveryKeys.map(inHex), recovery_keys_base64: recoveryKeys.map(inBase64) }),
          root_token: rootToken,
        });
      },
    },
  },
});

export const sealStatusPath = systemPath({
  template: "seal-status",
  help: { synopsis: "Reports the seal of this node.", description: "Whether this node is sealed, and how many key shares were given towards unsealing it." },
  fields: {},
  operations: {
    read: {
      summary: "Reports the seal of this node.", effect: "read", access: "none", whileSealed: true, thisNode: true,
      handler: (_request, _storage, { services }) => plain(sealStatusBody(services.seal.status(), services.node)),
    },
  },
});

export const unsealPath = systemPath({
  template: "unseal",
  help: { synopsis: "Takes one key share towards unsealing this node.", description: "Give the shares one by one until the threshold is reached. With `reset`, the shares given so far are dropped." },
  fields: {
    key: field.string({ description: "One key share, in hex or base64.", sensitive: true, default: "" }),
    reset: field.bool({ description: "Drops the shares given so far.", default: false }),
    migrate: field.bool({ description: "Whether the share is given to move the cluster to the kind of seal that the configuration asks for.", default: false }),
  },
  operations: {
    update: {
      summary: "Takes one key share.", effect: "write", access: "none", whileSealed: true, thisNode: true,
      handler: async ({ input }, _storage, { services: { seal, node } }) => {
        if (input.reset) {
          if (!seal.status().sealed) throw invalid("vault is unsealed");
          return plain(sealStatusBody(seal.resetUnseal(), node));
        }
        if (input.key === "") throw invalid("'key' must be specified in request body as JSON, or 'reset' set to true");
        const share = decodeShare(input.key);
        const status = seal.status().sealed ? await seal.unseal(share, input.migrate) : seal.status();
        return plain(sealStatusBody(status, node));
      },
    },
  },
});

export const sealPath = systemPath({
  template: "seal",
  help: { synopsis: "Seals this node.", description: "Drops the keys from this node's memory. It answers nothing but status until it is unsealed." },
  fields: {},
  operations: {
    update: {
      summary: "Seals this node.", effect: "write", access: "sudo", thisNode: true,
      handler: async (_request, _storage, { services }) => {
        await services.seal.seal();
        return NO_CONTENT;
      },
    },
  },
});

export const sealBackendsPath = systemPath({
  template: "seal-backend-status",
  help: { synopsis: "Reports the health of the auto seals.", description: "Whether each of them could be used when this node last tried, and whether each holds the present root key." },
  fields: {},
  operations: {
    read: {
      summary: "Reports the health of the auto seals.", effect: "read", access: "none", whileSealed: true, thisNode: true,
      handler: (_request, _storage, { services: { seal } }) => {
        const backends = seal.backends();
        const since = backends.flatMap(({ unhealthySince }) => unhealthySince ?? []);
        const iso = (milliseconds: number) => new Date(milliseconds).toISOString();
        return plain({
          healthy: backends.every(({ healthy }) => healthy),
          ...(since.length > 0 && { unhealthy_since: iso(Math.min(...since)) }),
          backends: backends.map(({ name, healthy, unhealthySince }) => ({ name, healthy, ...(unhealthySince !== undefined && { unhealthy_since: iso(unhealthySince) }) })),
          fully_wrapped: seal.isFullyWrapped(),
        });
      },
    },
  },
});
