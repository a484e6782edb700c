import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { clipTtl, shortDuration } from "./ttl.js";

const LIMITS = { defaultTtl: 3600, maxTtl: 7200 };
const NO_RULES = { period: 0, explicitMaxTtl: 0, age: 0 };

test("a TTL is what was asked for, or the default", () => {
  assert.deepEqual(clipTtl(60, NO_RULES, LIMITS), { ttl: 60, warnings: [] });
  assert.deepEqual(clipTtl(0, NO_RULES, LIMITS), { ttl: 3600, warnings: [] });
});

test("a TTL ends where the smaller maximum does, counted from the beginning", () => {
  assert.deepEqual(clipTtl(9000, NO_RULES, LIMITS), { ttl: 7200, warnings: ['TTL of "2h30m" exceeded the effective max_ttl of "2h"; TTL value is capped accordingly'] });
  assert.equal(clipTtl(9000, { ...NO_RULES, explicitMaxTtl: 1800 }, LIMITS).ttl, 1800);
  assert.equal(clipTtl(3600, { ...NO_RULES, age: 7000 }, LIMITS).ttl, 200);
  assert.equal(clipTtl(3600, { ...NO_RULES, age: 7200 }, LIMITS).ttl, 0);
  assert.equal(clipTtl(3600, { ...NO_RULES, age: 9999 }, LIMITS).ttl, 0);
});

test("a periodic token gets its period however old it is, unless it has an explicit end", () => {
  assert.deepEqual(clipTtl(60, { ...NO_RULES, period: 600, age: 1_000_000 }, LIMITS), { ttl: 600, warnings: [] });
  assert.equal(clipTtl(0, { period: 600, explicitMaxTtl: 1000, age: 900 }, LIMITS).ttl, 100);
  assert.deepEqual(clipTtl(0, { ...NO_RULES, period: 90_000 }, LIMITS), { ttl: 7200, warnings: ['period of "25h" exceeded the effective max_ttl of "2h"; period value is capped accordingly'] });
});

test("a TTL never exceeds any maximum, and a warning says when it was cut", () => {
  const seconds = fc.nat({ max: 100_000 });
  fc.assert(
    fc.property(seconds, seconds, seconds, seconds, fc.integer({ min: 1, max: 100_000 }), (asked, explicitMaxTtl, age, defaultTtl, maxTtl) => {
      const { ttl, warnings } = clipTtl(asked, { period: 0, explicitMaxTtl, age }, { defaultTtl, maxTtl });
      assert.ok(ttl >= 0 && ttl + age <= Math.max(age, maxTtl) && (explicitMaxTtl === 0 || ttl + age <= Math.max(age, explicitMaxTtl)));
      assert.equal(ttl < (asked || defaultTtl), warnings.length === 1);
    }),
  );
});

test("durations are shown without zero parts", () => {
  assert.deepEqual([0, 45, 60, 90, 3600, 5400, 3605, 2_764_800].map(shortDuration), ["0s", "45s", "1m", "1m30s", "1h", "1h30m", "1h0m5s", "768h"]);
});
