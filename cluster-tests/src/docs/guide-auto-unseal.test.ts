/** The guide's production configuration with its `seal "awskms"`, against an emulator of AWS. */
import assert from "node:assert/strict";
import test from "node:test";
import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { motoProgram, startMoto } from "@coffer/counterparts";
import { coffer } from "../harness/run-command.js";
import { until } from "../harness/until.js";
import { createProductionServer } from "./production-server.js";

const CREDENTIALS = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };

test("init gives recovery keys, and a restart needs nobody", { skip: motoProgram() === undefined && "moto is not installed" }, async (t) => {
  const moto = await startMoto();
  t.after(() => moto.stop());
  const client = new KMSClient({ endpoint: moto.endpoint, region: "us-east-1", credentials: { accessKeyId: "test", secretAccessKey: "test" } });
  const { KeyMetadata: key } = await client.send(new CreateKeyCommand({}));
  client.destroy();
  const server = await createProductionServer(`seal "awskms" {\n  region = "us-east-1"\n  kms_key_id = "${key!.Arn}"\n  endpoint = "${moto.endpoint}"\n}`, CREDENTIALS);
  t.after(async () => {
    await server.end("SIGKILL");
    server.clear();
  });
  await server.start();
  const cli = (...args: string[]) => coffer(args, { VAULT_ADDR: server.address, VAULT_CACERT: server.caFile, VAULT_TOKEN: "" });
  const init = await cli("operator", "init", "-recovery-shares=5", "-recovery-threshold=3");
  assert.equal(init.code, 0, init.stderr);
  assert.equal(init.stdout.match(/^Recovery Key \d: \S{44}$/gm)?.length, 5);
  await until("the node is active", 60_000, async () => /^HA Mode +active$/m.test((await cli("status")).stdout));
  assert.equal(await server.end("SIGTERM"), 0);
  await server.start();
  await until("the node unseals by itself", 60_000, async () => /^HA Mode +active$/m.test((await cli("status")).stdout));
  assert.match((await cli("status")).stdout, /^Seal Type +awskms$/m);
});
