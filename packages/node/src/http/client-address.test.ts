import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { RequestError } from "@coffer/state-machine";
import { trustedProxies } from "./client-address.js";

const proxies = trustedProxies(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]);

test("X-Forwarded-For counts only from a trusted proxy", () => {
  assert.equal(proxies.clientAddress("198.51.100.1", "203.0.113.9"), "198.51.100.1");
  assert.equal(proxies.clientAddress("10.1.2.3", "203.0.113.9"), "203.0.113.9");
  assert.equal(proxies.clientAddress("::ffff:192.0.2.7", "203.0.113.9:4711"), "203.0.113.9");
  assert.equal(proxies.clientAddress("2001:db8::1", "[2001:db9::5]:80"), "2001:db9::5");
  assert.equal(trustedProxies([]).clientAddress("::ffff:10.1.2.3", "203.0.113.9"), "10.1.2.3");
});

test("what the client itself wrote into the header is not believed", () => {
  assert.equal(proxies.clientAddress("10.1.2.3", "127.0.0.1, 203.0.113.9, 10.9.9.9"), "203.0.113.9");
  assert.equal(proxies.clientAddress("10.1.2.3", "10.0.0.5, 10.0.0.6"), "10.0.0.5", "nobody but proxies: the first of them");
});

test("what is no address is refused", () => {
  assert.throws(() => proxies.clientAddress("10.1.2.3", "203.0.113.9, unknown"), RequestError);
  for (const entry of ["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "proxy.example", "", "::/129", "10.0.0.0/x"]) assert.throws(() => trustedProxies([entry]), /neither an address nor a CIDR/, entry);
});

test("property: any header yields an address or a refusal", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ maxLength: 5 }))).map((hops) => hops.join(","))), (header) => {
      try {
        return proxies.clientAddress("10.1.2.3", header) !== "";
      } catch (error) {
        return error instanceof RequestError && error.status === 400;
      }
    }),
  );
});
