import assert from "node:assert/strict";
import { test } from "node:test";
import { motoProgram, startMoto } from "./moto.js";

test("the AWS emulator answers while it runs, and not after", { skip: motoProgram() === undefined && "moto is not installed" }, async () => {
  const moto = await startMoto();
  const body = new URLSearchParams({ Action: "GetCallerIdentity", Version: "2011-06-15" });
  const answer = await fetch(moto.endpoint, { method: "POST", body, headers: { authorization: "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0" } });
  assert.match(await answer.text(), /<Arn>arn:aws:/);
  await moto.stop();
  await assert.rejects(fetch(moto.endpoint));
});
