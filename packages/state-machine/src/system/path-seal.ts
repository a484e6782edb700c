import { invalid } from "../errors.js";
import { field, NO_CONTENT, plain } from "../framework/index.js";
import { systemPath } from "./define.js";
import type { NodeControl, SealStatus } from "./services.js";

const MAX_SHARES = 255;

function checkShares(shares: number, threshold: number): void {
  const refuse = (why: string) => invalid(`invalid seal configuration: ${why}`);
  if (shares < 1) throw refuse("shares must be at least one");
  if (threshold < 1) throw refuse("threshold must be at least one");
  if (shares > 1 && threshold === 1) throw refuse("threshold must be greater than one for multiple shares");
  if (shares > MAX_SHARES) throw refuse("shares must be less than 256");
  if (threshold > MAX_SHARES) throw refuse("threshold must be less than 256");
  if (threshold > shares) throw refuse("threshold cannot be larger than shares");
}

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
    migration: false,
    ...(status.sealed ? {} : { cluster_name: node.clusterName(), cluster_id: node.clusterId() }),
    recovery_seal: status.recoverySeal,
    storage_type: status.storageType,
  };
}

const HEX = /^(?:[0-9a-f]{2})+$/i;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Hex first, as a share in hex is valid base64 too. */
function decodeShare(key: string): Uint8Array {
  if (HEX.test(key)) return Buffer.from(key, "hex");
  if (BASE64.test(key) && key.length % 4 === 0) return Buffer.from(key, "base64");
  throw invalid("'key' must be a valid hex or base64 string");
}

const REFUSED_INIT_FIELDS = ["pgp_keys", "root_token_pgp_key", "recovery_shares", "recovery_threshold", "recovery_pgp_keys", "stored_shares"] as const;

export const initPath = systemPath({
  template: "init",
  help: { synopsis: "Initializes the cluster.", description: "Reports whether the cluster is initialized, and initializes it once, giving out the unseal key shares and the initial root token." },
  fields: {
    secret_shares: field.int({ description: "Number of shares to split the unseal key into.", default: 0 }),
    secret_threshold: field.int({ description: "Number of shares needed to unseal.", default: 0 }),
    stored_shares: field.int({ description: "Not supported.", deprecated: true }),
    pgp_keys: field.commaList({ description: "Not supported." }),
    root_token_pgp_key: field.string({ description: "Not supported." }),
    recovery_shares: field.int({ description: "Not supported." }),
    recovery_threshold: field.int({ description: "Not supported." }),
    recovery_pgp_keys: field.commaList({ description: "Not supported." }),
  },
  operations: {
    read: {
      summary: "Reports whether the cluster is initialized.", effect: "read", access: "none", whileSealed: true, thisNode: true,
      handler: (_request, _storage, { services }) => plain({ initialized: services.seal.status().initialized }),
    },
    update: {
      summary: "Initializes the cluster.", effect: "write", access: "none", whileSealed: true, thisNode: true,
      handler: async ({ input, given }, _storage, { services }) => {
        for (const field of REFUSED_INIT_FIELDS) {
          const value = input[field];
          if (given(field) && value !== 0 && value !== "" && !(Array.isArray(value) && value.length === 0)) throw invalid(`'${field}' is not supported`);
        }
        checkShares(input.secret_shares, input.secret_threshold);
        const { keys, rootToken } = await services.seal.init({ secretShares: input.secret_shares, secretThreshold: input.secret_threshold });
        return plain({
          keys: keys.map((key) => Buffer.from(key).toString("hex")),
          keys_base64: keys.map((key) => Buffer.from(key).toString("base64")),
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
    migrate: field.bool({ description: "Not supported: the seal's kind is never migrated.", default: false }),
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
        if (input.migrate) throw invalid("can't perform a seal migration, no migration seal found");
        const status = seal.status().sealed ? await seal.unseal(share) : seal.status();
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
