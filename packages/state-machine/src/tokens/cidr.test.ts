import assert from "node:assert/strict";
import { test } from "node:test";
import { isWithin, normalizedCidr } from "./cidr.js";

test("a network is shown as Vault shows it", () => {
  assert.equal(normalizedCidr(" 10.0.0.0/8 "), "10.0.0.0/8");
  assert.equal(normalizedCidr("127.0.0.1/32"), "127.0.0.1");
  assert.equal(normalizedCidr("127.0.0.1"), "127.0.0.1");
  assert.equal(normalizedCidr("fe80::/10"), "fe80::/10");
  for (const bad of ["", "10.0.0.0/33", "10.0.0/8", "fe80::/129", "10.0.0.0/8/8", "10.0.0.0/", "10.0.0.0/-1", "host"]) assert.equal(normalizedCidr(bad), undefined, bad);
});

test("an address lies in one of the networks, or does not", () => {
  const cidrs = ["10.0.0.0/8", "192.168.1.7", "fe80::/10"];
  for (const inside of ["10.255.0.1", "192.168.1.7", "fe80::1", "::ffff:10.0.0.1"]) assert.equal(isWithin(cidrs, inside), true, inside);
  for (const outside of ["11.0.0.1", "192.168.1.8", "fd00::1", "", "unix"]) assert.equal(isWithin(cidrs, outside), false, outside);
  assert.equal(isWithin([], "unix"), true);
});
