import assert from "node:assert/strict";
import { test } from "node:test";
import { motoProgram, startMoto, xmlTexts } from "./moto.js";

test("the AWS emulator answers while it runs, and not after", { skip: motoProgram() === undefined && "moto is not installed" }, async () => {
  const moto = await startMoto();
  assert.match(await moto.ask("sts", "GetCallerIdentity"), /<Arn>arn:aws:/);
  await moto.ask("iam", "CreateUser", { UserName: "ada" });
  assert.deepEqual(xmlTexts(await moto.ask("iam", "ListUsers"), "UserName"), ["ada"]);
  await assert.rejects(moto.ask("iam", "GetUser", { UserName: "bob" }), /NoSuchEntity/);
  await moto.stop();
  await assert.rejects(fetch(moto.endpoint));
});
