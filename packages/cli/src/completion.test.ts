import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const COFFER = fileURLToPath(new URL("../bin/coffer.js", import.meta.url));
const run = (...args: readonly string[]) => spawnSync(process.execPath, [COFFER, ...args], { encoding: "utf8", env: { ...process.env, SHELL: "/bin/bash" } });
const after = (...line: readonly string[]) => run("--get-yargs-completions", "coffer", ...line).stdout.trim().split("\n");

test("Tab completes commands, subcommands and flags", () => {
  assert.deepEqual(after("sec"), ["secrets"]);
  assert.deepEqual(after("kv", "metadata", "p"), ["put", "patch"]);
  assert.deepEqual(after("operator", "raft", "snapshot", "s"), ["save"]);
  assert.ok(after("kv", "get", "-").includes("-field"));
  assert.deepEqual(after("kv", "get", "-out"), ["-output-curl-string", "-output-policy"]);
  assert.deepEqual(after("kv", "get", "secret/"), [""], "paths are the server's to tell");
});

test("bash completes by the script that is printed", () => {
  const script = run("completion").stdout;
  const bash = spawnSync("bash", ["-c", `coffer() { "${process.execPath}" "${COFFER}" "$@"; }; ${script}\nCOMP_WORDS=(coffer operator st); COMP_CWORD=2; _coffer_yargs_completions; echo "\${COMPREPLY[@]}"`], { encoding: "utf8" });
  assert.equal(bash.stdout.trim(), "step-down", bash.stderr);
});
