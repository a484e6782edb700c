/**
 * Runs testdata/*.txt: sessions at the command line, each command beside what it sends, what the server answers and
 * what is printed. The exchanges are recordings of a real server; the format is in testdata/README.md.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { readAll } from "./framework/io.js";
import { main } from "./main.js";

type Exchange = { readonly request: string; readonly body: string; readonly status: number; readonly answer: string };
type Step = {
  readonly words: readonly string[];
  readonly stdin: string;
  readonly exchanges: readonly Exchange[];
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
};

const TESTDATA = new URL("../testdata/", import.meta.url);
const ADDRESS = "http://vault.test:8200";

/** Shell words, with single and double quotes. */
function splitWords(line: string): string[] {
  return [...line.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) => word.replace(/"([^"]*)"|'([^']*)'/g, (_all, double, single) => String(double ?? single)));
}

function parseScript(text: string): Step[] {
  return text.split(/^(?=\$ )/m).slice(1).map(parseStep);
}

function parseStep(text: string): Step {
  const lines = text.replace(/\n+$/, "").split("\n");
  const take = (mark: string): string[] => lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(mark.length));
  const requests = take("> ");
  const answers = take("< ");
  const joined = (mark: string): string => take(mark).map((line) => line.replace(/^ /, "")).join("\n");
  const noNewline = lines.includes("(no newline)");
  const stdout = joined("|");
  return {
    words: splitWords((lines[0] ?? "").slice("$ coffer ".length)),
    stdin: joined("<<"),
    exchanges: requests.map((request, index) => {
      const [method = "", path = "", ...body] = request.split(" ");
      const [status = "", ...answer] = (answers[index] ?? "").split(" ");
      return { request: `${method} ${path}`, body: body.join(" "), status: Number(status), answer: answer.join(" ") };
    }),
    stdout: stdout === "" && take("|").length === 0 ? "" : stdout + (noNewline ? "" : "\n"),
    stderr: take("!").length === 0 ? "" : `${joined("!")}\n`,
    exitCode: Number(take("exit ")[0] ?? "0"),
  };
}

describe("the command line, session by session", () => {
  const home = mkdtempSync(join(tmpdir(), "coffer-cli-"));
  let expected: Exchange[] = [];
  let problems: string[] = [];
  let server: Server;
  let address = "";

  before(async () => {
    server = createServer((request, response) => {
      void readAll(request).then((body) => {
        const next = expected.shift();
        const got = `${request.method} ${request.url}`;
        if (next === undefined) problems.push(`sent ${got}, which the script does not expect`);
        else if (next.request !== got || next.body !== body) problems.push(`sent ${got} ${body}, expected ${next.request} ${next.body}`);
        response.writeHead(next?.status ?? 500, { "Content-Type": "application/json" });
        response.end(next === undefined || next.answer === "" ? "" : `${next.answer}\n`);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.close();
    server.closeAllConnections();
    rmSync(home, { recursive: true });
  });

  async function run(step: Step): Promise<{ stdout: string; stderr: string; exitCode: number }> {
    expected = [...step.exchanges];
    problems = [];
    let stdout = "";
    let stderr = "";
    const exitCode = await main(step.words, {
      stdout: { write: (text) => (stdout += String(text)) },
      stderr: { write: (text) => (stderr += String(text)) },
      stdin: Readable.from([step.stdin]),
      env: { VAULT_ADDR: address, VAULT_TOKEN: "root", HOME: home },
    });
    for (const left of expected) problems.push(`did not send ${left.request}`);
    assert.deepEqual(problems, []);
    const host = address.slice("http://".length);
    const clean = (text: string): string => text.replaceAll(address, ADDRESS).replaceAll(host, "vault.test:8200").replaceAll(home, "~");
    return { stdout: clean(stdout), stderr: clean(stderr), exitCode };
  }

  for (const file of readdirSync(TESTDATA).filter((name) => name.endsWith(".txt"))) {
    describe(file, () => {
      for (const [index, step] of parseScript(readFileSync(new URL(file, TESTDATA), "utf8")).entries()) {
        it(`${index + 1}. coffer ${step.words.join(" ")}`, async () => {
          writeFileSync(join(home, "data.json"), '{"from":"file","n":12345678901234567890}');
          const { words } = step;
          const placed = { ...step, words: words.map((word) => word.replace("~/", `${home}/`)) };
          assert.deepEqual(await run(placed), { stdout: step.stdout, stderr: step.stderr, exitCode: step.exitCode });
        });
      }
    });
  }
});
