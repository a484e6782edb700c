import assert from "node:assert/strict";
import { test } from "node:test";
import { matchesGlob } from "./glob.js";

test("an asterisk stands for any characters, or none", () => {
  const yes = [["*", ""], ["*", "x"], ["a*", "a"], ["a*c", "abc"], ["a*b*c", "a-b-b-c"], ["**", "x"], ["a", "a"], ["*a*", "bab"]] as const;
  const no = [["", "a"], ["a", "ab"], ["a*a", "a"], ["a*b*b", "ab"], ["a.c", "abc"], ["*ab*ba", "aba"]] as const;
  for (const [pattern, text] of yes) assert.equal(matchesGlob(pattern, text), true, `${pattern} ${text}`);
  for (const [pattern, text] of no) assert.equal(matchesGlob(pattern, text), false, `${pattern} ${text}`);
});

test("a pattern of many asterisks takes no time", () => assert.equal(matchesGlob(`${"*a".repeat(5000)}*b`, "a".repeat(20_000)), false));
