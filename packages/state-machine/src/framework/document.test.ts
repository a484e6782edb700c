import assert from "node:assert/strict";
import { test } from "node:test";
import { isLosslessNumber, parseDocument, stringifyDocument } from "./document.js";

const digits = (length: number) => "1234567890".repeat(3).slice(0, length);

test("numbers that a double cannot hold come back with every digit, wherever they stand", () => {
  for (const number of [digits(17), `-${digits(19)}`, `${digits(14)}.12345`, `0.${digits(20)}`, `${digits(3)}.${digits(16)}`, "1e400", "-2.5E-999", `${digits(12)}.5e+300`]) {
    for (const text of [number, `[${number}]`, `[1,${number}]`, `{"a":${number}}`, `{"a":\n\t${number}}`, `{"a":[{"b": ${number}}]}`]) {
      assert.equal(stringifyDocument(parseDocument(text)), text.replace(/\s/g, ""), text);
    }
  }
});

test("numbers that it holds are plain, and so are texts that look like numbers", () => {
  const plain = parseDocument('{"a":123456789012345,"b":-1.5e10,"c":"12345678901234567890","d":"7f3e1234-1234-4123-8123-123456789012"}') as Record<string, unknown>;
  assert.deepEqual(plain, { a: 123456789012345, b: -1.5e10, c: "12345678901234567890", d: "7f3e1234-1234-4123-8123-123456789012" });
  assert.ok(isLosslessNumber(parseDocument(digits(20))));
});
