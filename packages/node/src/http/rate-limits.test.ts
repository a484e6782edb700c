import assert from "node:assert/strict";
import { test } from "node:test";
import { createRateLimiter } from "@coffer/state-machine";
import type { ApiRequest, ApiResponse, QuotaSettings, RateLimitQuota, RequestError } from "@coffer/state-machine";
import { limitRates } from "./rate-limits.js";

const OK: ApiResponse = { status: 204, headers: { "X-Own": "1" }, contentType: "", body: null, index: 7 };
const QUOTA: RateLimitQuota = { name: "all", uuid: "u", mountPath: "", suffix: "", role: "", rate: 1, intervalSeconds: 60, blockSeconds: 0, inheritable: true };

function setUp(settings: Partial<QuotaSettings>, { quota }: { readonly quota?: RateLimitQuota } = { quota: QUOTA }) {
  const world = { sealed: false, recorded: [] as RequestError[], handled: 0 };
  const limiter = createRateLimiter({ read: () => ({ table: (quota ? { all: quota } : {}) as Readonly<Record<string, RateLimitQuota>>, settings: { exemptPaths: [], auditsRefusals: false, sendsHeaders: false, ...settings } }), now: () => 0 });
  const handle = limitRates(() => (world.handled++, OK), { limiter, isSealed: () => world.sealed, roleOf: () => undefined, record: async (_request, error) => void world.recorded.push(error), index: () => 9 });
  const ask = async () => handle({ path: "kv/a", remoteAddress: "10.0.0.1" } as ApiRequest);
  return { world, ask };
}

test("what is over the limit is refused with Vault's words and the time to wait, and goes no further", async () => {
  const { world, ask } = setUp({});
  assert.equal(await ask(), OK);
  const refused = await ask();
  assert.deepEqual([refused.status, JSON.parse(String(refused.body)), refused.headers], [429, { errors: ['request path "kv/a": rate limit quota exceeded'] }, { "Retry-After": "60" }]);
  assert.deepEqual([world.handled, world.recorded.length], [1, 0]);
});

test("headers and audit records are there where they are asked for", async () => {
  const { world, ask } = setUp({ sendsHeaders: true, auditsRefusals: true });
  assert.deepEqual((await ask()).headers, { "X-Own": "1", "X-Ratelimit-Limit": "1", "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "60" });
  assert.deepEqual((await ask()).headers, { "X-Ratelimit-Limit": "1", "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "60", "Retry-After": "60" });
  assert.deepEqual(world.recorded.map(({ code }) => code), ["rate_limited"]);
});

test("sealed, or without quotas, nothing is limited", async () => {
  const sealed = setUp({});
  sealed.world.sealed = true;
  const free = setUp({}, {});
  for (const { ask } of [sealed, free]) for (let i = 0; i < 3; i++) assert.equal(await ask(), OK);
});
