import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const ROOT = new URL("../../../../", import.meta.url);
const text = (path: string) => readFileSync(new URL(path, ROOT), "utf8");

test("what docs/engines/writing-an-engine.md shows is what is compiled and run here", () => {
  const shown = [...text("docs/engines/writing-an-engine.md").matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!);
  const files = ["example-engine.ts", "example-engine.test.ts"].map((name) => text(`packages/engines/src/testing/${name}`));
  assert.deepEqual(shown.slice(0, files.length), files);
});

test("the files that docs/engines/writing-an-engine.md names are there", () => {
  const named = [...text("docs/engines/writing-an-engine.md").matchAll(/\]\(\.\.\/\.\.\/([^)]+)\)/g)].map(([, path]) => path!);
  assert.ok(named.length > 10);
  for (const path of named) assert.ok(text(path).length > 0, path);
});
