import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { COMMANDS, GROUPS } from "./command-table.js";
import { main } from "./main.js";

const home = mkdtempSync(join(tmpdir(), "coffer-main-"));
after(() => rmSync(home, { recursive: true }));

type Outcome = { readonly stdout: string; readonly stderr: string; readonly exitCode: number };

async function run(words: readonly string[], env: Record<string, string> = {}, stdin = ""): Promise<Outcome> {
  let stdout = "";
  let stderr = "";
  const exitCode = await main(words, {
    stdout: { write: (text) => (stdout += String(text)) },
    stderr: { write: (text) => (stderr += String(text)) },
    stdin: Readable.from([stdin]),
    env: { HOME: home, ...env },
  });
  return { stdout, stderr, exitCode };
}

async function withServer(listener: RequestListener, work: (address: string) => Promise<void>): Promise<void> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const answering = (status: number, body: string): RequestListener => (request, response) => {
  request.resume();
  response.writeHead(status).end(body);
};

describe("every command", () => {
  for (const [name, { load, synopsis }] of Object.entries(COMMANDS)) {
    it(`${name} loads, is described, and has help`, async () => {
      const { command } = await load();
      assert.ok(command.usage.startsWith(name), command.usage);
      assert.ok(synopsis.length > 0);
      const { stdout, exitCode } = await run([...name.split(" "), "-help"]);
      assert.equal(exitCode, 0);
      assert.ok(stdout.startsWith(`Usage: coffer ${name}`), stdout.slice(0, 80));
    });
  }

  it("belongs to a group that is described", () => {
    for (const name of Object.keys(COMMANDS)) {
      const words = name.split(" ");
      for (let count = 1; count < words.length; count++) {
        const group = words.slice(0, count).join(" ");
        assert.ok(group in GROUPS || group in COMMANDS, group);
      }
    }
  });
});

describe("help for first mistakes", () => {
  const lastLine = (text: string): string => text.trimEnd().split("\n").at(-1) ?? "";

  it("nothing listens", async () => {
    const { stderr, exitCode } = await run(["read", "secret/x"], { VAULT_ADDR: "http://127.0.0.1:1" });
    assert.equal(exitCode, 2);
    assert.match(stderr, /^Error reading secret\/x: Get "http:\/\/127\.0\.0\.1:1\/v1\/secret\/x": dial tcp 127\.0\.0\.1:1: connect: connection refused\n/);
    assert.match(lastLine(stderr), /coffer server -dev.*VAULT_ADDR/);
  });

  it("https to a server without TLS", async () => {
    await withServer(answering(200, "{}"), async (address) => {
      const { stderr, exitCode } = await run(["status"], { VAULT_ADDR: address.replace("http:", "https:") });
      assert.equal(exitCode, 1);
      assert.equal(lastLine(stderr), `The server at ${new URL(address).host} does not speak TLS. If that is meant to be, use VAULT_ADDR=${address}.`);
    });
  });

  it("http to a server with TLS", async () => {
    await withServer(answering(400, "Client sent an HTTP request to an HTTPS server.\n"), async (address) => {
      const { stderr } = await run(["read", "secret/x"], { VAULT_ADDR: address });
      assert.equal(lastLine(stderr), `The server wants TLS: use VAULT_ADDR=${address.replace("http:", "https:")}.`);
    });
  });

  it("no token, a sealed server, a path with data/ in it", async () => {
    await withServer(answering(403, '{"errors":["permission denied"]}'), async (address) => {
      assert.match(lastLine((await run(["read", "secret/x"], { VAULT_ADDR: address })).stderr), /coffer login/);
      assert.equal(lastLine((await run(["read", "secret/x"], { VAULT_ADDR: address, VAULT_TOKEN: "t" })).stderr), "* permission denied");
    });
    await withServer(answering(503, '{"errors":["Vault is sealed"]}'), async (address) => {
      assert.match(lastLine((await run(["read", "secret/x"], { VAULT_ADDR: address })).stderr), /coffer operator unseal/);
    });
  });

  it("a server that needs another command than the one that was given", async () => {
    const cases: readonly [number, string, readonly string[], RegExp][] = [
      [503, "Vault is sealed: make a recovery token first", ["list", "sys/raw"], /generate-root -recovery-token -init$/],
      [404, "this node runs in recovery mode: it serves sys/raw and sys/generate-recovery-token, and nothing else", ["operator", "generate-root", "-init"], /generate-root -recovery-token -init$/],
      [400, "migrate option not provided and seal migration is pending", ["operator", "unseal", "aa"], /coffer operator unseal -migrate$/],
      [400, "parameters secret_shares not applicable to seal type awskms", ["write", "sys/init", "secret_shares=3"], /-recovery-shares/],
      [400, "Vault is not initialized", ["operator", "unseal", "aa"], /operator init\. If it is to join a cluster/],
    ];
    for (const [status, error, words, hint] of cases) {
      await withServer(answering(status, JSON.stringify({ errors: [error] })), async (address) => {
        assert.match(lastLine((await run([...words], { VAULT_ADDR: address })).stderr), hint, error);
      });
    }
  });

  it("a command that does not exist, and none", async () => {
    assert.deepEqual(await run(["stauts"]), { stdout: "", stderr: 'There is no command "stauts". Did you mean: coffer status\n', exitCode: 127 });
    const { stdout, exitCode } = await run([]);
    assert.equal(exitCode, 127);
    assert.match(stdout, /^Usage: coffer <command>/);
    assert.match((await run(["operator", "raft", "snapshot", "-h"])).stdout, /inspect/);
  });

  it("a group without its command, and one that it does not have", async () => {
    for (const words of [["kv"], ["kv", "nosuch"], ["operator", "raft"]]) assert.equal((await run(words)).exitCode, 1);
    assert.match((await run(["operator", "raft", "list-pers"])).stderr, /^There is no command "operator raft list-pers"\. Did you mean: coffer operator raft list-peers\n/);
  });

  it("status says 1 for every error, because 2 means sealed", async () => {
    const settings: Record<string, string>[] = [{ VAULT_ADDR: "::bad" }, { VAULT_ADDR: "https://127.0.0.1:1", VAULT_CACERT: "/nowhere" }, { VAULT_SKIP_VERIFY: "banana" }, { VAULT_ADDR: "http://127.0.0.1:1" }];
    for (const env of settings) assert.equal((await run(["status"], env)).exitCode, 1, JSON.stringify(env));
    assert.equal((await run(["read", "secret/x"], { VAULT_ADDR: "::bad" })).exitCode, 2);
  });

  it("a file that is not there, and an unseal key that nobody gave", async () => {
    assert.deepEqual(await run(["kv", "put", "secret/x", "v=@/nowhere"], { VAULT_ADDR: "http://127.0.0.1:1" }).then(({ exitCode }) => exitCode), 1);
    assert.equal((await run(["write", "secret/x", "v=@/nowhere"])).stderr, 'Failed to parse K=V data: invalid key/value pair "v=@/nowhere": error reading file: open /nowhere: no such file or directory\n');
    assert.equal((await run(["policy", "write", "p", "/nowhere"])).stderr, "Error opening policy file: open /nowhere: no such file or directory\n");
    assert.match((await run(["operator", "unseal"])).stderr, /No unseal key was given/);
  });

  it("variables that are ignored are named", async () => {
    const { stderr } = await run(["print", "token"], { VAULT_HTTP_PROXY: "http://x" });
    assert.equal(stderr, "Note: VAULT_HTTP_PROXY is set, but this client does not use it.\n");
  });
});

describe("the token", () => {
  it("is kept in ~/.vault-token for its owner only, and used afterwards", async () => {
    const tokens: unknown[] = [];
    const lookup: RequestListener = (request, response) => {
      tokens.push(request.headers["x-vault-token"]);
      response.end('{"request_id":"r","data":{"id":"s.kept","policies":["default"],"ttl":60}}');
    };
    await withServer(lookup, async (address) => {
      assert.equal((await run(["login", "-"], { VAULT_ADDR: address }, "s.kept\n")).exitCode, 0);
      assert.equal(readFileSync(join(home, ".vault-token"), "utf8"), "s.kept");
      assert.equal(statSync(join(home, ".vault-token")).mode & 0o777, 0o600);
      await run(["token", "lookup"], { VAULT_ADDR: address });
      await run(["token", "lookup"], { VAULT_ADDR: address, VAULT_TOKEN: "s.env" });
      assert.deepEqual(tokens, ["s.kept", "s.kept", "s.env"]);
    });
  });
});

describe("a snapshot", () => {
  it("that breaks off leaves the file of before alone", async () => {
    const path = join(home, "backup.snap");
    writeFileSync(path, "good");
    const breaking: RequestListener = (_request, response) => {
      response.writeHead(200, { "Content-Length": "100" });
      response.write("half", () => response.destroy());
    };
    await withServer(breaking, async (address) => {
      const { exitCode, stderr } = await run(["operator", "raft", "snapshot", "save", path], { VAULT_ADDR: address });
      assert.equal(exitCode, 2);
      assert.match(stderr, /^Error taking the snapshot: /);
      assert.equal(readFileSync(path, "utf8"), "good");
    });
  });
});

describe("policy fmt", () => {
  it("formats in place and refuses what is no policy", async () => {
    const path = join(home, "p.hcl");
    writeFileSync(path, 'path "a/*" {\ncapabilities=["read"]\n}\n');
    assert.equal((await run(["policy", "fmt", path])).stdout, `Success! Formatted policy: ${path}\n`);
    assert.match(readFileSync(path, "utf8"), /^ {2}capabilities = \["read"\]$/m);
    writeFileSync(path, "path {{{");
    assert.equal((await run(["policy", "fmt", path])).exitCode, 1);
    assert.equal(readFileSync(path, "utf8"), "path {{{");
  });
});

describe("answers", () => {
  it("members in JSON have Vault's names and order", async () => {
    const nodes = '{"data":{"nodes":[{"active_node":true,"version":"1","hostname":"h","api_address":"a","cluster_address":"c","last_echo":null,"upgrade_version":"1"}]},"request_id":"r"}';
    await withServer(answering(200, nodes), async (address) => {
      const { stdout } = await run(["operator", "members", "-format=json"], { VAULT_ADDR: address });
      assert.equal(stdout.replace(/\s/g, ""), '{"Nodes":[{"hostname":"h","api_address":"a","cluster_address":"c","active_node":true,"last_echo":null,"version":"1","upgrade_version":"1"}]}');
    });
  });

  it("a refused write shows the warnings that came with it, and no data", async () => {
    await withServer(answering(404, '{"request_id":"r","data":{"a":1},"warnings":null}'), async (address) => {
      assert.equal((await run(["patch", "secret/x", "a=b"], { VAULT_ADDR: address })).stdout, "");
    });
    await withServer(answering(404, '{"request_id":"r","data":{"a":1},"warnings":["look here"]}'), async (address) => {
      assert.match((await run(["patch", "secret/x", "a=b"], { VAULT_ADDR: address })).stderr, /\* look here/);
    });
  });
});

describe("the program", () => {
  const program = fileURLToPath(new URL("../bin/coffer.js", import.meta.url));

  it("runs as a process with exit codes", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [program, "version"]);
    assert.match(stdout, /^Coffer v\d+\.\d+\.\d+\n$/);
    await assert.rejects(promisify(execFile)(process.execPath, [program, "kv", "get"]), { code: 1 });
  });
});
