import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { RequestError } from "@coffer/state-machine";
import { requestPath } from "./request-path.js";

function outcome(raw: string): string | RequestError {
  try {
    return requestPath(raw);
  } catch (error) {
    if (error instanceof RequestError) return error;
    throw error;
  }
}

test("what is printable is taken as it is, percent-encoded or not", () => {
  assert.equal(requestPath("secret/data/a b"), "secret/data/a b");
  assert.equal(requestPath("secret/%61%2Fb/"), "secret/a/b/");
  assert.equal(requestPath("secret/%C3%A9%E6%97%A5"), "secret/é日");
  assert.equal(requestPath("secret/a%252e%252e/b"), "secret/a%2e%2e/b", "decoded once only");
  assert.equal(requestPath("secret/...a/.b/c..d/+"), "secret/...a/.b/c..d/+");
  assert.equal(requestPath(""), "");
});

for (const raw of ["a/../b", "..", "a/..", "./a", "a/.", "a/%2e%2e/b", "a%2f..%2fb", "a//b", "//a", "/a", "%2fa", "a//", "a%00b", "a%0ab", "a\tb", "a\u007f", "a\\b", "a%5cb", "a%", "a%zz", "a%ff", "a%e2%80%ae", "a%c2%a0b", "a%ef%bb%bf"]) {
  test(`${JSON.stringify(raw)} is refused`, () => {
    const refused = outcome(raw);
    assert.ok(refused instanceof RequestError);
    assert.equal(refused.status, 400);
  });
}

/** Pieces that are trouble in paths, beside any text. */
const raws = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(fc.oneof(fc.constantFrom("/", ".", "..", "%2e", "%2E%2e", "%2f", "%00", "%25", "%5c", "\\", "a", "//", "%", "é", "%c3%a9", "%ed%a0%80"), fc.string({ maxLength: 3 }))).map((parts) => parts.join("")),
);

test("property: any text is refused or becomes a path without stray segments or invisible characters", () => {
  fc.assert(
    fc.property(raws, (raw) => {
      const path = outcome(raw);
      if (path instanceof RequestError) return path.status === 400;
      const segments = path.split("/");
      if (segments.length > 1 && segments.at(-1) === "") segments.pop();
      return (path === "" || segments.every((segment) => segment !== "" && segment !== "." && segment !== "..")) && !/[\p{C}\\]/u.test(path);
    }),
    { numRuns: 2000 },
  );
});

test("property: a path that is encoded comes back as it was", () => {
  const segment = fc.string({ minLength: 1, unit: fc.constantFrom("a", "%", ".", "é", " ", "?", "#", "+", "&", "日") }).filter((text) => text !== "." && text !== "..");
  fc.assert(fc.property(fc.array(segment, { minLength: 1 }), (segments) => requestPath(segments.map(encodeURIComponent).join("/")) === segments.join("/")));
});
