import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { numberOf, oidOf, readAsn1, textOf, timeOf } from "./asn1.js";
import { bitString, explicit, generalizedTime, integer, isOid, octetString, oid, sequence, setOf, time, utf8String } from "./der.js";
import { inCidr, ipBytes, ipText } from "./general-names.js";
import { parseOcspRequest } from "./ocsp.js";
import { colonHex, pem, pemBlocks } from "./pem.js";

test("what is written is what asn1js reads", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 46 }), fc.string(), fc.uint8Array({ maxLength: 70_000 }), (number, text, bytes) => {
    const [a, b, c, d] = readAsn1(sequence(integer(number), utf8String(text), octetString(bytes), bitString(bytes)), "it").children;
    assert.equal(numberOf(a!), number);
    assert.equal(textOf(b!), text);
    assert.deepEqual([...c!.content], [...bytes]);
    assert.deepEqual([...d!.content.subarray(1)], [...bytes]);
  }), { numRuns: 200 });
});

test("object identifiers survive, and what is none is known", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 39 }), fc.array(fc.integer({ min: 0, max: 2 ** 31 }), { maxLength: 8 }), (first, second, rest) => {
    const text = [first, second, ...rest].join(".");
    assert.equal(oidOf(readAsn1(oid(text), "it")), text);
  }));
  for (const bad of ["", "1", "1.", "3.1", "1.40", "1.2.03", "a.b", "1.2.-3"]) assert.equal(isOid(bad), false, bad);
});

test("times are UTCTime through 2049 and GeneralizedTime after it", () => {
  for (const text of ["1999-12-31T23:59:59Z", "2049-12-31T23:59:59Z", "2050-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]) {
    const ms = Date.parse(text);
    assert.equal(time(ms)[0], Number(text.slice(0, 4)) < 2050 ? 0x17 : 0x18);
    assert.equal(timeOf(readAsn1(time(ms), "it"), "it"), ms);
    assert.equal(timeOf(readAsn1(generalizedTime(ms), "it"), "it"), ms);
  }
});

test("the members of a set stand in the order of their encodings", () => {
  const [one, two] = [utf8String("b"), utf8String("a")];
  assert.deepEqual(setOf(one, two), setOf(two, one));
});

test("bytes that are no document are refused, whatever they are", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    try {
      readAsn1(bytes, "it");
    } catch (error) {
      assert.equal((error as { code?: string }).code, "invalid_request");
    }
    parseOcspRequest(bytes);
  }), { numRuns: 500 });
  let deep: Buffer = integer(1);
  for (let i = 0; i < 60; i++) deep = explicit(0, deep);
  assert.throws(() => readAsn1(deep, "it"), { code: "invalid_request" });
});

test("PEM goes there and back, among other text", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
    const [block] = pemBlocks(`Bag Attributes\n${pem("CERTIFICATE", bytes)}\nand so on`);
    assert.deepEqual([block!.label, [...block!.der]], ["CERTIFICATE", [...bytes]]);
  }));
  assert.deepEqual(pemBlocks("-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----"), []);
  assert.equal(colonHex(Uint8Array.of(0, 10, 255)), "00:0a:ff");
});

test("addresses are read as Go reads them, and networks hold what is theirs", () => {
  for (const [text, shown] of [["10.0.0.1", "10.0.0.1"], ["2001:db8::1", "2001:db8:0:0:0:0:0:1"], ["::", "0:0:0:0:0:0:0:0"], ["::ffff:10.0.0.1", "10.0.0.1"], ["64:ff9b::10.0.0.1", "64:ff9b:0:0:0:0:a00:1"]] as const) assert.equal(ipText(ipBytes(text)!), shown, text);
  for (const bad of ["", "10.0.0", "10.0.0.256", "fe80::1%eth0", "x"]) assert.equal(ipBytes(bad), undefined, bad);
  assert.deepEqual([inCidr("10.1.2.3", "10.1.0.0/16"), inCidr("10.2.2.3", "10.1.0.0/16"), inCidr("::1", "10.0.0.0/8"), inCidr("2001:db8::5", "2001:db8::/33"), inCidr("10.1.2.3", "0.0.0.0/0")], [true, false, false, true, true]);
});
