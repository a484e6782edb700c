import assert from "node:assert/strict";
import test from "node:test";
import { hasQuickStart, stepsOf } from "./page.js";

const page = (...lines: string[]) => lines.join("\n");

test("a block with prompts is commands with their output, wherever it stands; one without is run below a quick start only", () => {
  const steps = stepsOf(page("# A", "```console", "$ one", "out", "", "$ two \\", "    three", "```", "## Quick start", "```sh", "# why", "four", "```", "## Paths", "```sh", "five", "```", "```hcl", "$ six", "```"));
  assert.deepEqual(steps, [
    { line: 3, command: "one", shown: ["out"] },
    { line: 6, command: "two \\\n    three", shown: undefined },
    { line: 12, command: "four", shown: undefined },
  ]);
});

test("a command goes on while a quote or a here-document is open", () => {
  const steps = stepsOf(page("```", "$ write a='", "b'", "out", "$ cat - <<EOF", "$ not a prompt", "EOF", "```"));
  assert.deepEqual(steps.map(({ command, shown }) => ({ command, shown })), [
    { command: "write a='\nb'", shown: ["out"] },
    { command: "cat - <<EOF\n$ not a prompt\nEOF", shown: undefined },
  ]);
});

test("blank lines inside an output count, those at its ends do not", () => {
  assert.deepEqual(stepsOf(page("```", "$ one", "", "a", "", "b", "", "$ two", "```"))[0]!.shown, ["a", "", "b"]);
});

test("what makes no sense is refused, with its line", () => {
  assert.throws(() => stepsOf(page("```", "$ one 'two", "```")), /^Error: line 2: the command does not end/);
  assert.throws(() => stepsOf(page("```", "out", "$ one", "```")), /^Error: line 2: output before/);
});

test("a quick start is known by its heading", () => {
  assert.equal(hasQuickStart(page("# A", "## Quick start")), true);
  assert.equal(hasQuickStart(page("# A", "A quick start")), false);
});
