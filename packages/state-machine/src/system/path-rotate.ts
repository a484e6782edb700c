import type { RekeyControl, RekeyTarget } from "../barrier/rekey-control.js";
import { NO_CONTENT, data } from "../framework/index.js";
import type { Response } from "../framework/index.js";
import { decodeShare } from "./decode-share.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";
import { REKEY_FIELDS, SHARE_FIELDS, backupBody, rekeyRequest, rekeyResultBody, rekeyStatusBody, verifyStatusBody } from "./path-rekey.js";

/** The same as sys/rekey for those with a token, in envelopes: the newer paths. */

type Kind = "root" | "recovery";
const TARGET_OF: Readonly<Record<Kind, RekeyTarget>> = { root: "barrier", recovery: "recovery" };
const WHAT: Readonly<Record<Kind, string>> = { root: "the root key and the shares that unseal", recovery: "the recovery key" };

const statusOf = (control: RekeyControl): Response => data(rekeyStatusBody(control.status()));

function initPath(kind: Kind): SystemPath {
  const target = TARGET_OF[kind];
  return systemPath({
    template: `rotate/${kind}/init`,
    help: { synopsis: `Begins, describes or cancels the rotation of ${WHAT[kind]}.`, description: "As sys/rekey/init, with a token." },
    fields: REKEY_FIELDS,
    operations: {
      read: { summary: "Describes the operation under way.", effect: "read", activeOnly: true, handler: (_request, _storage, { services }) => statusOf(services.rekey[target]) },
      update: {
        summary: "Begins the operation.", effect: "write",
        handler: async ({ id, input }, _storage, { services }) => {
          const control = services.rekey[target];
          // Whoever may do this and finds no recovery key needs nobody's consent, as nobody has a share.
          if (kind === "recovery" && control.status().required === 0) return data(rekeyResultBody(await control.create(id, rekeyRequest(input))));
          return data(rekeyStatusBody(await control.start(id, rekeyRequest(input))));
        },
      },
      delete: {
        summary: "Cancels the operation under way.", effect: "write",
        handler: (_request, _storage, { services }) => {
          services.rekey[target].cancel();
          return NO_CONTENT;
        },
      },
    },
  });
}

function updatePath(kind: Kind): SystemPath {
  const target = TARGET_OF[kind];
  return systemPath({
    template: `rotate/${kind}/update`,
    help: { synopsis: `Takes one present share towards the rotation of ${WHAT[kind]}.`, description: "As sys/rekey/update, with a token." },
    fields: SHARE_FIELDS,
    operations: {
      update: {
        summary: "Takes one key share.", effect: "write",
        handler: async ({ id, input }, _storage, { services }) => {
          const result = await services.rekey[target].update(id, decodeShare(input.key), input.nonce);
          return result ? data(rekeyResultBody(result)) : statusOf(services.rekey[target]);
        },
      },
    },
  });
}

function verifyPath(kind: Kind): SystemPath {
  const target = TARGET_OF[kind];
  return systemPath({
    template: `rotate/${kind}/verify`,
    help: { synopsis: `Takes one new share, to bring the rotation of ${WHAT[kind]} into force.`, description: "As sys/rekey/verify, with a token." },
    fields: SHARE_FIELDS,
    operations: {
      read: { summary: "Describes the verification under way.", effect: "read", activeOnly: true, handler: (_request, _storage, { services }) => data(verifyStatusBody(services.rekey[target])) },
      update: {
        summary: "Takes one new share.", effect: "write",
        handler: async ({ id, input }, _storage, { services }) => {
          const done = await services.rekey[target].verify(id, decodeShare(input.key), input.nonce);
          return data(done ? { nonce: done.nonce, complete: true } : verifyStatusBody(services.rekey[target]));
        },
      },
      delete: {
        summary: "Begins the verification anew.", effect: "write",
        handler: (_request, _storage, { services }) => {
          services.rekey[target].restartVerification();
          return data(verifyStatusBody(services.rekey[target]));
        },
      },
    },
  });
}

function backupPath(kind: Kind): SystemPath {
  const target = TARGET_OF[kind];
  return systemPath({
    template: `rotate/${kind}/backup`,
    help: { synopsis: "Gives or deletes the kept shares.", description: "As sys/rekey/backup." },
    fields: {},
    operations: {
      read: { summary: "Gives the encrypted shares.", effect: "read", handler: (_request, _storage, { services }) => data(backupBody(services.rekey[target].backup()), { dual: true }) },
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

const rootPath = systemPath({
  template: "rotate/root",
  help: { synopsis: "Replaces the root key.", description: "Under an auto seal, without asking any share holder. Where key shares seal the root key it takes them: sys/rotate/root/init." },
  fields: {},
  operations: {
    update: {
      summary: "Replaces the root key.", effect: "write", access: "sudo",
      handler: async (_request, _storage, { services }) => {
        await services.keyring.rotateRootKey();
        return NO_CONTENT;
      },
    },
  },
});

const KINDS: readonly Kind[] = ["root", "recovery"];

export const rotatePaths: readonly SystemPath[] = [rootPath, ...KINDS.flatMap((kind) => [initPath(kind), updatePath(kind), verifyPath(kind), backupPath(kind)])];
