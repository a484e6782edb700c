import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { createStage, tellLog } from "../testing/scenario.js";
import type { Stage } from "../testing/scenario.js";
import { readConfiguration, tellConfiguration } from "../testing/telling.js";

/**
 * Stories in text files: a command after "> ", then what every server said. "+" before a command tells the messages too.
 * UPDATE_SCENARIOS=1 writes down what is said now; read the difference as you would read code.
 */
const folder = new URL("../../src/core/scenarios/", import.meta.url);

function tick(stage: Stage, id: string, count: number): void {
  for (let i = 0; i < count; i++) {
    stage.actor(id).core.tick();
    stage.work();
  }
}

/** The lines that a command answers with by itself, before what the servers say. */
function perform(stage: Stage, command: string): string[] {
  const [verb, ...words] = command.split(" ");
  const id = words[0]!;
  const core = () => stage.actor(id).core;
  const told = (proposed: ReturnType<ReturnType<typeof core>["propose"]>) => [proposed.ok ? `at ${proposed.index}/${proposed.term}` : proposed.reason];
  switch (verb) {
    case "found":
      stage.found(readConfiguration(words.join(" ")));
      return [];
    case "blank":
      stage.blank(id);
      return [];
    case "restart":
      stage.restart(id);
      return [];
    case "tick":
      tick(stage, id, Number(words[1] ?? 1));
      return [];
    case "campaign":
      core().campaign();
      return [];
    case "propose":
      return told(core().propose(Buffer.from(words.slice(1).join(" "))));
    case "configure":
      return told(core().proposeConfiguration(readConfiguration(words.slice(1).join(" "))));
    case "transfer":
      return core().transferLeadership(words[1]) ? [] : ["refused"];
    case "seal":
      core().setCanLead(false);
      return [];
    case "read":
      core().readIndex(Number(words[1]));
      return [];
    case "compact":
      stage.compact(id, Number(words[1]));
      return [];
    case "isolate":
      for (const other of words.slice(1)) {
        stage.cut(id, other);
        stage.cut(other, id);
      }
      return [];
    case "heal":
      stage.heal();
      return [];
    case "drop":
      stage.drop();
      return [];
    case "deliver":
      stage.deliver(id === undefined ? undefined : { from: id, to: words[1]! });
      return [];
    case "lease":
      stage.lease();
      return [];
    case "pass":
      stage.pass(Number(id));
      return [];
    case "log":
      return tellLog(stage.actor(id));
    case "status": {
      const { role, term, commitIndex, configuration } = core().status();
      return [`${id} is ${role} in term ${term}, commit ${commitIndex}, ${tellConfiguration(configuration)}`];
    }
    default:
      throw new Error(`no command ${verb}`);
  }
}

function play(script: string): string {
  const stage = createStage();
  const out: string[] = [];
  for (const line of script.split("\n")) {
    const command = /^(\+?)> (.+)$/.exec(line);
    if (command) {
      const answer = perform(stage, command[2]!);
      stage.work();
      out.push(line, ...[...answer, ...stage.take(command[1] !== "+")].map((text) => `    ${text}`));
    } else if (!line.startsWith("    ")) out.push(line);
  }
  return out.join("\n");
}

for (const name of readdirSync(folder).filter((file) => file.endsWith(".txt"))) {
  test(`scenario ${name}`, () => {
    const path = new URL(name, folder);
    const script = readFileSync(path, "utf8");
    const played = play(script);
    if (process.env["UPDATE_SCENARIOS"]) writeFileSync(path, played);
    else assert.equal(played, script);
  });
}
