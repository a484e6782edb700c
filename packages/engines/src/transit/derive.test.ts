import assert from "node:assert/strict";
import { hkdfSync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { hkdfSha256 } from "./derive.js";

const hex = (text: string) => Buffer.from(text, "hex");
const range = (from: number, to: number) => Buffer.from(Array.from({ length: to - from + 1 }, (_, at) => from + at));

/** RFC 5869, appendix A.1 to A.3. */
const VECTORS = [
  { secret: Buffer.alloc(22, 0x0b), salt: range(0, 12), info: range(0xf0, 0xf9), okm: "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865" },
  {
    secret: range(0, 0x4f), salt: range(0x60, 0xaf), info: range(0xb0, 0xff),
    okm: "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
  },
  { secret: Buffer.alloc(22, 0x0b), salt: Buffer.alloc(0), info: Buffer.alloc(0), okm: "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8" },
];

test("HKDF gives what RFC 5869 says", () => {
  for (const { secret, salt, info, okm } of VECTORS) assert.deepEqual(hkdfSha256(secret, salt, info, hex(okm).length), hex(okm));
});

test("HKDF gives what node:crypto's gives, as far as that goes", () => {
  const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
  fc.assert(
    fc.property(bytes(100), bytes(100), bytes(1024), fc.integer({ min: 1, max: 300 }), (secret, salt, info, length) => {
      assert.deepEqual(hkdfSha256(secret, salt, info, length), Buffer.from(hkdfSync("sha256", secret, salt, info, length)));
    }),
    { numRuns: 50 },
  );
});
