import assert from "node:assert/strict";
import { test } from "node:test";
import { tokenCodec } from "./entry.js";
import type { TokenEntry } from "./entry.js";

const ID = "VFhwL7axxB7UPgWjKSiFin2d";
const MOUNT = "05c0b8f6-bd64-2e55-a50b-48f77dadd201";
const login: TokenEntry = {
  id: ID, type: "service", accessor: ID, parent: "", policies: ["a", "default"], path: "auth/approle/login", meta: { role_name: "r" }, displayName: "approle", numUses: 0,
  creationTime: 1_767_225_600, ttl: 3600, creationTtl: 3600, explicitMaxTtl: 0, maxTtl: 0, period: 0, renewable: true, lastRenewal: 0, expireTime: 1_767_229_200.25,
  entityId: "e", role: "", boundCidrs: [], mountUuid: MOUNT, internalData: { role_name: "r" }, lease: `${MOUNT}/login/h${ID}`,
};
const stored = (entry: TokenEntry) => JSON.parse(Buffer.from(tokenCodec.encode(entry)).toString()) as Record<string, unknown>;
const again = (entry: TokenEntry) => tokenCodec.decode(tokenCodec.encode(entry));

test("what is usual, or follows from the rest, is not stored, and comes back", () => {
  assert.deepEqual(stored(login), {
    id: ID, policies: ["a", "default"], path: "auth/approle/login", meta: { role_name: "r" }, displayName: "approle", creationTime: 1_767_225_600, ttl: 3600, expireTime: 1_767_229_200.25,
    entityId: "e", mountUuid: MOUNT, internalData: { role_name: "r" }, below: "login",
  });
  assert.deepEqual(again(login), login);
});

test("what differs from that is stored as it is", () => {
  const { lease: _, ...unfiled } = login;
  const others: readonly TokenEntry[] = [
    unfiled,
    { ...login, ttl: 60, lastRenewal: 5, numUses: -1, renewable: false, boundCidrs: ["10.0.0.0/8"], parent: "p", meta: null, internalData: {} },
    { ...login, lease: `another-mount/login/h${ID}` },
    { ...login, lease: `${MOUNT}/h${ID}` },
    { ...login, lease: `${MOUNT}/login/bob/h${ID}` },
    { ...login, mountUuid: "", lease: `${MOUNT}/create/h${ID}`, quota: "q" },
    { ...unfiled, type: "batch", accessor: "" },
  ];
  for (const entry of others) assert.deepEqual(again(entry), entry);
});

test("a token that was stored with all of its members is read as before", () => {
  assert.deepEqual(tokenCodec.decode(Buffer.from(JSON.stringify(login))), login);
});
