import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { slapdProgram, startSlapd } from "./slapd.js";

test("the directory answers while it runs, and not after", { skip: slapdProgram() === undefined && "slapd is not installed" }, async () => {
  const slapd = await startSlapd({ suffix: "dc=example,dc=org", ldif: "dn: dc=example,dc=org\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n" });
  const port = Number(new URL(slapd.url).port);
  const socket = connect(port, "127.0.0.1");
  // An anonymous bind (RFC 4511, 4.2), and the answer's first byte: a sequence.
  socket.write(Buffer.from("300c020101600702010304008000", "hex"));
  const [answer] = (await once(socket, "data")) as [Buffer];
  assert.equal(answer[0], 0x30);
  socket.destroy();
  await slapd.stop();
  const refused = connect(port, "127.0.0.1");
  const [error] = (await once(refused, "error")) as [NodeJS.ErrnoException];
  assert.equal(error.code, "ECONNREFUSED");
});

test("entries that are none stop it from starting", { skip: slapdProgram() === undefined && "slapd is not installed" }, async () => {
  await assert.rejects(startSlapd({ suffix: "dc=example,dc=org", ldif: "no entry at all\n" }), /slapadd failed/);
});
