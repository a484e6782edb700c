import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeBase64, decodeBase64Url } from "./base64.js";

test("what was encoded is decoded, with line breaks or without", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = Buffer.from(bytes).toString("base64");
      assert.deepEqual(decodeBase64(text), Buffer.from(bytes));
      assert.deepEqual(decodeBase64(text.replace(/(.{3})/g, "$1\r\n")), Buffer.from(bytes));
      assert.deepEqual(decodeBase64Url(Buffer.from(bytes).toString("base64url")), Buffer.from(bytes));
    }),
  );
});

test("bits that no byte needs do not count, as in Go", () => assert.deepEqual(decodeBase64("YR=="), Buffer.from("a")));

test("anything else is refused, with the place where it is wrong", () => {
  for (const [text, at] of [["%", 0], ["YQ%=", 2], ["YQ", 2], ["YQ=", 2], ["YQ==YQ==", 2], ["YWJj-_-_", 4], ["YQ= =", 2], ["Y\u0141==", 1], ["====", 0]] as const) {
    assert.throws(() => decodeBase64(text), { message: `illegal base64 data at input byte ${at}` }, text);
  }
  for (const text of ["YQ==", "Y", "+/+/"]) assert.throws(() => decodeBase64Url(text), /illegal base64/, text);
});
