import assert from "node:assert/strict";
import { Readable } from "node:stream";
import test from "node:test";
import fc from "fast-check";
import type { ApiRequest, ApiResponse } from "@coffer/state-machine";
import type { UploadChunk } from "./upload.js";
import { decodeAnswer, decodeQuestion, encodeAnswer, encodeQuestion } from "./wire.js";
import type { Answer, Echo, Question } from "./wire.js";

const name = fc.oneof(fc.constantFrom("__proto__", "constructor", "toString", "x-vault-mfa", ""), fc.string(), fc.string({ unit: "grapheme" }));
const text = fc.oneof(fc.constant(""), fc.string(), fc.string({ unit: "grapheme", maxLength: 40 }));
/** Own members only, whatever their names. */
const dictionary = <T>(value: fc.Arbitrary<T>) => fc.array(fc.tuple(name, value), { maxLength: 6 }).map((pairs) => Object.fromEntries(pairs));
const bytes = fc.uint8Array({ maxLength: 300 });
/** A list is two or more: one value travels as itself. */
const parameter = fc.oneof(text, fc.array(text, { minLength: 2, maxLength: 4 }));

const request: fc.Arbitrary<ApiRequest> = fc
  .record({
    id: fc.uuid(),
    operation: fc.constantFrom<ApiRequest["operation"]>("read", "head", "help", "update", "patch", "delete", "list", "scan"),
    path: text,
    query: dictionary(parameter),
    body: bytes,
    contentType: text,
    token: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
    headers: dictionary(text),
    remoteAddress: fc.oneof(fc.ipV4(), fc.ipV6()),
    remotePort: fc.nat(65_535),
    clientCertificate: fc.option(fc.uint8Array({ minLength: 1, maxLength: 50 }), { nil: undefined }),
    clientIntermediates: fc.option(fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { minLength: 1, maxLength: 3 }), { nil: undefined }),
    forwardedFrom: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
    tokenOnly: fc.boolean(),
  })
  .map(({ clientCertificate, clientIntermediates, forwardedFrom, tokenOnly, ...rest }) => ({ ...rest, ...(tokenOnly && { tokenOnly: true as const }), ...(clientCertificate && { clientCertificate }), ...(clientIntermediates && { clientIntermediates }), ...(forwardedFrom && { forwardedFrom }) }));

const response: fc.Arbitrary<ApiResponse> = fc.record({
  status: fc.integer({ min: 200, max: 599 }),
  headers: dictionary(text),
  contentType: text,
  body: fc.oneof(fc.constant(null), fc.uint8Array({ minLength: 1, maxLength: 300 })),
  index: fc.maxSafeNat(),
});
const echo: fc.Arbitrary<Echo> = fc.record({ nodeId: text, apiAddress: text, clusterAddress: text, hostname: text, version: text });

const chunk: fc.Arbitrary<UploadChunk> = fc.record({ upload: text, bytes, state: fc.constantFrom("more" as const, "end" as const, "broken" as const) });

/** Buffers and arrays of bytes are the same thing here; objects are compared by their own members. */
function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Buffer.from(value as Uint8Array).toString("hex");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null) return Object.entries(value).map(([key, member]) => [key, plain(member)]).sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  return value;
}

test("every request and echo comes through unchanged", () => {
  const question: fc.Arbitrary<Question> = fc.oneof(request.map((made): Question => ({ kind: "request", request: made })), request.map((made): Question => ({ kind: "request", request: made, upload: "u" })), chunk.map((made): Question => ({ kind: "chunk", chunk: made })), echo.map((made): Question => ({ kind: "echo", echo: made })));
  fc.assert(fc.property(question, (asked) => assert.deepEqual(plain(decodeQuestion(encodeQuestion(asked))), plain(asked))), { numRuns: 500 });
});

test("every answer comes through unchanged", () => {
  const answer: fc.Arbitrary<Answer> = fc.oneof(response.map((made): Answer => ({ kind: "response", response: made })), echo.map((made): Answer => ({ kind: "echo", echo: made })), fc.constantFrom<Answer>({ kind: "not-active" }, { kind: "taken" }, { kind: "unwanted" }));
  fc.assert(fc.property(answer, (given) => assert.deepEqual(plain(decodeAnswer(encodeAnswer(given))), plain(given))), { numRuns: 500 });
});

const anAnswer = (body: ApiResponse["body"]): Answer => ({ kind: "response", response: { status: 200, headers: {}, contentType: "application/json", body, index: 1 } });

test("text arrives as its bytes, and no text as no body", () => {
  const bodyOf = (body: ApiResponse["body"]) => {
    const answer = decodeAnswer(encodeAnswer(anAnswer(body)));
    assert.equal(answer.kind, "response");
    return answer.kind === "response" && answer.response.body;
  };
  assert.deepEqual(Buffer.from(bodyOf("ü\n") as Uint8Array), Buffer.from("ü\n"));
  assert.equal(bodyOf(""), null);
});

test("a stream is not forwarded", () => {
  assert.throws(() => encodeAnswer(anAnswer(Readable.from(["x"]))), /is a stream/);
});

test("what this version does not know is an error, and garbage is never taken for \"nothing was done\"", () => {
  const unknownOperation = encodeQuestion({ kind: "request", request: { id: "i", operation: "constructor" as "read", path: "p", query: {}, body: new Uint8Array(0), contentType: "", token: undefined, headers: {}, remoteAddress: "", remotePort: 0 } });
  assert.throws(() => decodeQuestion(unknownOperation), /"constructor" came, which this version does not know/);
  for (const decode of [decodeQuestion, decodeAnswer]) assert.throws(() => decode(new Uint8Array(0)), /does not know/);
  fc.assert(fc.property(bytes, (garbage) => {
    for (const decode of [decodeQuestion, decodeAnswer]) {
      try {
        decode(garbage);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }
  }));
});
