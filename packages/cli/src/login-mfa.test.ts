import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import { main } from "./main.js";

const home = mkdtempSync(join(tmpdir(), "coffer-login-mfa-"));
after(() => rmSync(home, { recursive: true }));

const envelope = (auth: object) => JSON.stringify({ request_id: "r", lease_id: "", renewable: false, lease_duration: 0, data: null, wrap_info: null, warnings: null, auth });
const method = (id: string) => ({ type: "totp", id, uses_passcode: true, name: id });

/** A server whose logins wait for one of these methods, and what it was sent to sys/mfa/validate. */
async function login(methods: readonly string[], terminal: { readonly typed: string } | undefined, words: readonly string[] = []) {
  const validated: unknown[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.url === "/v1/sys/mfa/validate") {
        validated.push(JSON.parse(Buffer.concat(chunks).toString()));
        response.end(envelope({ client_token: "hvs.granted", accessor: "a", policies: ["default"], token_policies: ["default"], metadata: null, lease_duration: 60, renewable: true, entity_id: "e", token_type: "service", orphan: true, mfa_requirement: null, num_uses: 0 }));
      } else {
        const mfa_requirement = { mfa_request_id: "request-1", mfa_constraints: { people: { any: methods.map(method) } } };
        response.end(envelope({ client_token: "", accessor: "", policies: null, metadata: null, lease_duration: 0, renewable: false, entity_id: "", token_type: "default", orphan: false, mfa_requirement, num_uses: 0 }));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const [out, err]: [string[], string[]] = [[], []];
  const stdin: Readable & { isTTY?: boolean } = Readable.from(terminal ? [`${terminal.typed}\n`] : []);
  if (terminal) stdin.isTTY = true;
  const exitCode = await main(["login", ...words, "-method=userpass", "username=bob", "password=pw"], {
    stdout: { write: (text) => out.push(String(text)) },
    stderr: { write: (text) => err.push(String(text)) },
    stdin,
    env: { HOME: home, VAULT_ADDR: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
  });
  server.close();
  server.closeAllConnections();
  return { exitCode, stdout: out.join(""), stderr: err.join(""), validated };
}

test("on a terminal, a login that waits for one method asks for its passcode, and goes on with the token", async () => {
  const { exitCode, stdout, stderr, validated } = await login(["phone-id"], { typed: "123456" });
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(validated, [{ mfa_request_id: "request-1", mfa_payload: { "phone-id": ["123456"] } }]);
  assert.match(stderr, /Enter the passphrase for methodID "phone-id" of type "totp":/);
  assert.match(stdout, /hvs\.granted/);
  assert.ok(!`${stdout}${stderr}`.includes("123456"), "what is typed is not shown");
  assert.equal(readFileSync(join(home, ".vault-token"), "utf8"), "hvs.granted");
});

test("without a terminal, with a choice of methods, or with -non-interactive, it tells what to send where", async () => {
  for (const [methods, terminal, words] of [[["phone-id"], undefined, []], [["phone-id", "key-id"], { typed: "1" }, []], [["phone-id"], { typed: "1" }, ["-non-interactive"]]] as const) {
    const { exitCode, stdout, stderr, validated } = await login(methods, terminal, words);
    assert.deepEqual([exitCode, validated], [0, []]);
    assert.match(stderr, /sys\/mfa\/validate/);
    assert.match(stdout, /mfa_request_id +request-1/);
    assert.match(stdout, /phone-id/);
  }
});
