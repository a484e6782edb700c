// The shape of the house (docs/architecture.md), kept true by a test: which room may import which, and how long a file may be.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import test from "node:test";
import { root } from "./cluster-lib.mjs";

/** Package -> packages of ours that it may import. */
const MAY_IMPORT = {
  counterparts: [],
  hcl: [],
  raft: [],
  client: [],
  "state-machine": ["hcl"],
  engines: ["hcl", "state-machine"],
  node: ["hcl", "raft", "state-machine", "engines", "client"],
  cli: ["client", "hcl", "node"],
};

/** Lines. The median and the tail keep files readable; tables of data and generated text are not source files. */
const MEDIAN_LINES = 180;
const PERCENTILE_95_LINES = 450;

function sources(folder, found = []) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) sources(path, found);
    else if (name.endsWith(".ts")) found.push(path);
  }
  return found;
}

function imports(file) {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/\b(?:from|import)\s*\(?\s*"([\w@./:-]+)"/g)].map((match) => match[1]);
}

test("packages import only the layers below them", () => {
  const wrong = [];
  for (const [name, allowed] of Object.entries(MAY_IMPORT)) {
    for (const file of sources(join(root, "packages", name, "src"))) {
      for (const target of imports(file)) {
        const other = /^@coffer\/([a-z-]+)/.exec(target)?.[1];
        // Real servers for tests, and for nothing else.
        if (other === "counterparts" && (file.endsWith(".test.ts") || file.includes("/testing/"))) continue;
        if (other && !allowed.includes(other)) wrong.push(`${relative(root, file)} imports ${target}`);
        if (target.startsWith(".")) {
          const inside = relative(join(root, "packages", name, "src"), resolve(dirname(file), target));
          if (inside.startsWith("..") && !inside.includes("package.json")) wrong.push(`${relative(root, file)} reaches out of its package: ${target}`);
        }
      }
    }
  }
  assert.deepEqual(wrong, []);
});

test("every package is in the list of layers", () => {
  const packages = readdirSync(join(root, "packages")).filter((name) => statSync(join(root, "packages", name)).isDirectory());
  assert.deepEqual(packages.sort(), Object.keys(MAY_IMPORT).sort());
});

test("the raft core imports nothing but itself", () => {
  const core = join(root, "packages/raft/src/core");
  const wrong = sources(core)
    .filter((file) => !file.endsWith(".test.ts"))
    .flatMap((file) => imports(file).filter((target) => !target.startsWith("./")).map((target) => `${relative(root, file)} imports ${target}`));
  assert.deepEqual(wrong, []);
});

test("no engine imports another", () => {
  const folder = join(root, "packages/engines/src");
  // What two engines need that is not for every node to carry (AWS's SDK) is a folder without an engine, which imports none.
  const isShared = (name) => existsSync(join(folder, name)) && !existsSync(join(folder, name, "engine.ts"));
  const wrong = [];
  // The harness for tests puts all of them together, as the node does.
  for (const engine of readdirSync(folder).filter((name) => name !== "testing" && statSync(join(folder, name)).isDirectory())) {
    for (const file of sources(join(folder, engine))) {
      for (const target of imports(file)) {
        const inside = relative(join(folder, engine), resolve(dirname(file), target));
        const other = /^\.\.\/([\w-]+)\//.exec(inside)?.[1];
        if (target.startsWith(".") && inside.startsWith("..") && (other === undefined || !isShared(other))) wrong.push(`${relative(root, file)} imports ${target}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

test("files stay readable: median and 95th percentile of lines", () => {
  const lines = Object.keys(MAY_IMPORT)
    .flatMap((name) => sources(join(root, "packages", name, "src")))
    .map((file) => ({ file: relative(root, file), lines: readFileSync(file, "utf8").split("\n").length }))
    .sort((a, b) => a.lines - b.lines);
  const at = (fraction) => lines[Math.floor((lines.length - 1) * fraction)].lines;
  const longest = lines.slice(-5).map(({ file, lines: count }) => `${file} (${count})`);
  assert.ok(at(0.5) <= MEDIAN_LINES, `median ${at(0.5)} lines; longest: ${longest}`);
  assert.ok(at(0.95) <= PERCENTILE_95_LINES, `95th percentile ${at(0.95)} lines; longest: ${longest}`);
});

test("docs/architecture.md names only files that exist", () => {
  const text = readFileSync(join(root, "docs/architecture.md"), "utf8");
  const named = [...text.matchAll(/`([\w./-]+\.(?:ts|mjs|proto|md))`/g)].map((match) => match[1]);
  assert.ok(named.length > 30);
  const files = [...sources(join(root, "packages")), ...readdirSync(join(root, "scripts")).map((name) => join(root, "scripts", name)), ...readdirSync(join(root, "proto")).map((name) => join(root, "proto", name))].map((file) => relative(root, file));
  // Shortened where the row or the sentence says the rest.
  assert.deepEqual(named.filter((name) => !files.some((file) => file.endsWith(`/${name}`) || file === name)), []);
});
