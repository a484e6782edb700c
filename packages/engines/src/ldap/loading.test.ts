import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

test("the library of LDAP is not loaded with the engines", () => {
  const registry = new URL("../registry.js", import.meta.url).href;
  // A process of its own, whose loader tells what is loaded.
  const script = `
    import { register } from "node:module";
    register("data:text/javascript," + encodeURIComponent('import { writeSync } from "node:fs"; export async function load(url, context, next) { if (url.includes("/node_modules/ldapts/")) writeSync(1, url + "\\\\n"); return next(url, context); }'));
    await import(${JSON.stringify(registry)});
  `;
  assert.equal(execFileSync(process.execPath, ["--input-type=module", "--eval", script], { encoding: "utf8" }), "");
});
