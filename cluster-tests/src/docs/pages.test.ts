/** Runs the documentation: the commands of each page, in order, as a reader types them. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { findProgram } from "@coffer/counterparts";
import { createDesk } from "./dev-server.js";
import { hasQuickStart, headingsLeftAlone, stepsOf } from "./page.js";
import type { Step } from "./page.js";
import { PAGE_NEEDS } from "./page-needs.js";
import type { PageNeeds } from "./page-needs.js";
import { startPageServer } from "./page-server.js";
import { openShell } from "./shell.js";
import type { Shell } from "./shell.js";
import { compareOutput, showsFailure, withLearned } from "./shown-output.js";
import type { Learned } from "./shown-output.js";

const DOCS = fileURLToPath(new URL("../../../docs/", import.meta.url));
const COMMAND_MS = 60_000;

const pages = readdirSync(DOCS, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".md")).sort();
const textOf = (page: string) => readFileSync(join(DOCS, page), "utf8");

function missing({ programs = [], counterpart }: PageNeeds): string | false {
  const absent = programs.filter((name) => findProgram(name) === undefined);
  if (counterpart && !counterpart.isThere()) absent.push(counterpart.name);
  return absent.length > 0 && `not installed: ${absent.join(", ")}`;
}

async function runStep(shell: Shell, { command, shown }: Step, values: Learned, learned: Learned, clean: (output: string) => string): Promise<string | undefined> {
  const { code, output } = await shell.run(withLearned(withLearned(command, values), learned));
  const printed = clean(output);
  if ((code !== 0) !== showsFailure(shown)) return `exit ${code}${showsFailure(shown) ? ", where a failure is shown" : ""}:\n${printed}`;
  return shown && compareOutput(shown, printed, learned);
}

async function runPage(page: string, steps: readonly Step[], needs: PageNeeds): Promise<void> {
  const counterpart = await needs.counterpart?.start(textOf(page));
  const server = await startPageServer(needs.server ?? "dev", counterpart?.serverEnv);
  const desk = createDesk({ ...server.env, ...counterpart?.env });
  const shell = openShell(desk.folder, desk.env, COMMAND_MS);
  const values: Learned = new Map(Object.entries(needs.values ?? {}));
  const names = { ...counterpart?.names, ...server.names };
  const learned: Learned = new Map(Object.entries(names));
  const clean = (output: string) => Object.entries(names).reduce((text, [shown, here]) => text.replaceAll(here, shown), output);
  try {
    for (const step of steps) {
      const problem = await runStep(shell, step, values, learned, clean);
      if (problem !== undefined) assert.fail(`docs/${page}:${step.line}\n$ ${step.command}\n${problem}`);
    }
  } finally {
    shell.end();
    desk.clear();
    await server.stop();
    await counterpart?.stop();
  }
}

describe("the commands in docs/ do what is shown there", { concurrency: 2 }, () => {
  for (const page of pages) {
    const needs = PAGE_NEEDS[page] ?? {};
    const steps = stepsOf(textOf(page), needs.scripts);
    if (steps.length === 0) continue;
    test(`${page}, ${steps.length} commands`, { skip: missing(needs) }, () => runPage(page, steps, needs));
  }
});

test("a quick start has commands to run", () => {
  assert.deepEqual(pages.filter((page) => hasQuickStart(textOf(page)) && stepsOf(textOf(page)).length === 0), []);
});

test("what pages need is said of pages that there are", () => {
  assert.deepEqual(Object.keys(PAGE_NEEDS).filter((page) => !pages.includes(page)), []);
});

test("commands that are shown are run, or it is said why not", () => {
  const said = (page: string) => Object.keys(PAGE_NEEDS[page]?.leftAlone ?? {});
  const left = (page: string) => headingsLeftAlone(textOf(page), PAGE_NEEDS[page]?.scripts);
  for (const page of pages) assert.deepEqual(left(page).sort(), said(page).sort(), page);
});
