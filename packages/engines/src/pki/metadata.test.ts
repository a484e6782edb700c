import assert from "node:assert/strict";
import { test } from "node:test";
import { createPkiWithRoot } from "./testing.js";

const METADATA = Buffer.from('{"ticket":"OPS-1"}').toString("base64");
const HOUR = 3600;

test("metadata are kept with the role and the issuer, of certificates that are not stored too", async () => {
  const pki = await createPkiWithRoot();
  assert.equal((await pki.request("LIST", "pki/cert-metadata")).status, 404);
  assert.equal((await pki.data("GET", "roles/any"))["no_store_metadata"], false);
  const issued = await pki.data("POST", "issue/any", { common_name: "a.example.com", ttl: "1h", cert_metadata: METADATA });
  await pki.ask("POST", "roles/light", { allow_any_name: true, key_type: "ec", no_store: true });
  const light = await pki.data("POST", "issue/light", { common_name: "b.example.com", ttl: "2h", cert_metadata: METADATA });
  await pki.ask("POST", "issue/any", { common_name: "c.example.com" });
  const { keys } = await pki.data("LIST", "issuers");
  const read = await pki.data("GET", `cert-metadata/${issued["serial_number"]}`);
  assert.deepEqual(read, { serial_number: issued["serial_number"], issuer_id: keys[0], role: "any", cert_metadata: METADATA, expiration: new Date(issued["expiration"] * 1000).toISOString() });
  assert.deepEqual(await pki.data("GET", `cert-metadata/${issued["serial_number"].replaceAll(":", "-").toUpperCase()}`), read);
  assert.equal((await pki.data("GET", `cert-metadata/${light["serial_number"]}`))["role"], "light");
  assert.deepEqual((await pki.data("LIST", "cert-metadata"))["keys"], [issued["serial_number"], light["serial_number"]].sort());
  assert.equal((await pki.request("GET", "pki/cert-metadata/01:02")).status, 404);
  // Certificates are public, what is said of them is not.
  assert.equal((await pki.request("GET", `pki/cert/${issued["serial_number"]}`, undefined, { token: "" })).status, 200);
  assert.equal((await pki.request("GET", `pki/cert-metadata/${issued["serial_number"]}`, undefined, { token: "" })).status, 403);
});

test("metadata that the role does not take, or that are no base64, are refused, and no certificate is made", async () => {
  const pki = await createPkiWithRoot();
  await pki.ask("PATCH", "roles/any", { no_store_metadata: true });
  const before = (await pki.data("LIST", "certs"))["keys"];
  assert.match(await pki.refusal("issue/any", { common_name: "a.example.com", cert_metadata: METADATA }), /no_store_metadata/);
  await pki.ask("PATCH", "roles/any", { no_store_metadata: false });
  for (const text of ["{}", "abc", "ab=c", "a b="]) assert.match(await pki.refusal("issue/any", { common_name: "a.example.com", cert_metadata: text }), /not base64/);
  assert.deepEqual((await pki.data("LIST", "certs"))["keys"], before);
  assert.equal((await pki.request("LIST", "pki/cert-metadata")).status, 404);
});

test("tidy forgets metadata of certificates that have ended, and counts what is stored where one wants it", async () => {
  const pki = await createPkiWithRoot();
  for (const ttl of ["1h", "3h"]) await pki.ask("POST", "issue/any", { common_name: "a.example.com", ttl, cert_metadata: METADATA });
  const counts = async () => {
    const { current_cert_store_count, current_revoked_cert_count, cert_metadata_deleted_count } = await pki.data("GET", "tidy-status");
    return [current_cert_store_count, current_revoked_cert_count, cert_metadata_deleted_count];
  };
  assert.deepEqual(await counts(), [null, null, null]);
  assert.match(await pki.refusal("config/auto-tidy", { publish_stored_certificate_count_metrics: true }), /Enable `maintain_stored_certificate_counts`/);
  await pki.ask("POST", "config/auto-tidy", { maintain_stored_certificate_counts: true });
  assert.deepEqual(await counts(), [3, 0, null]);
  const [serial] = (await pki.data("LIST", "cert-metadata"))["keys"];
  await pki.ask("POST", "revoke", { serial_number: serial });
  assert.deepEqual(await counts(), [3, 1, null]);
  pki.clock.advance(2 * HOUR);
  await pki.ask("POST", "tidy", { tidy_cert_metadata: true, safety_buffer: "30m" });
  await pki.doDueWork();
  assert.deepEqual(await counts(), [3, 1, 1]);
  assert.equal((await pki.data("LIST", "cert-metadata"))["keys"].length, 1);
  pki.clock.advance(2 * HOUR);
  await pki.ask("POST", "tidy", { tidy_cert_metadata: true, safety_buffer: "30m" });
  await pki.doDueWork();
  assert.equal((await pki.request("LIST", "pki/cert-metadata")).status, 404);
  assert.deepEqual((await pki.store.evaluate((tx) => tx.keys("logical/"))).value.filter((key) => key.includes("metadata")), []);
});

test("many certificates are read at once", async () => {
  const pki = await createPkiWithRoot();
  const { serial_number, certificate } = await pki.data("POST", "issue/any", { common_name: "a.example.com" });
  const hyphens = serial_number.replaceAll(":", "-");
  assert.deepEqual(await pki.data("POST", "batch/certs", { serial_numbers: [serial_number, hyphens, "01:02", ""] }), { certificates: { [serial_number]: `${certificate}\n`, [hyphens]: `${certificate}\n`, "01:02": null, "": null } });
  assert.match(await pki.refusal("batch/certs", {}), /serial_numbers/);
});
