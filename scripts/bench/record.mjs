import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { dirname, join } from "node:path";
import { root } from "../cluster-lib.mjs";

/** Yardsticks before and after that differ by more than this say that the machine did something else meanwhile. */
const NOISY = 0.15;

const round = (value) => (value >= 100 ? String(Math.round(value)) : value.toFixed(2));
const mean = (values) => values.reduce((a, b) => a + b) / values.length;

/** Collects the figures of a run. A yardstick is {name, values}, in the figure's unit; the ratio is to the mean of its values, wanted to be at least `target`, or at `most`. */
export function createRecorder() {
  const rows = [];

  function record(name, value, unit, { yardstick, target, most } = {}) {
    const row = { name, value, unit };
    if (yardstick) {
      Object.assign(row, { yardstick: yardstick.name, yardstickValues: yardstick.values, ratio: value / mean(yardstick.values) });
    }
    if (target !== undefined) row.target = target;
    if (most !== undefined) row.most = most;
    rows.push(row);
    console.log(`  ${name}: ${round(value)} ${unit}${yardstick ? `, ${row.ratio.toFixed(2)} of ${row.yardstick} (${yardstick.values.map(round).join(", ")})` : ""}`);
  }

  function noise({ name, values }) {
    const difference = 1 - Math.min(...values) / Math.max(...values);
    if (difference > NOISY) console.log(`  ! ${name}: ${Math.round(difference * 100)} % apart before and after. The machine is busy with something else; take the figures above with care.`);
  }

  function table() {
    const line = (row) => [
      row.name,
      `${round(row.value)} ${row.unit}`,
      row.yardstick ? `${round(mean(row.yardstickValues))} ${row.unit}` : "",
      row.ratio?.toFixed(2) ?? "",
      row.target !== undefined ? `>= ${row.target.toFixed(2)}` : row.most !== undefined ? `<= ${row.most.toFixed(2)}` : "",
    ];
    const lines = [["figure", "value", "yardstick", "ratio", "target"], ...rows.map(line)];
    const widths = lines[0].map((_, column) => Math.max(...lines.map((cells) => cells[column].length)));
    return lines.map((cells) => cells.map((text, column) => text.padEnd(widths[column])).join("  ").trimEnd()).join("\n");
  }

  return { record, noise, table, rows };
}

/** What a run found, with what it ran on. */
export function writeResult(jsonFile, { suite, options, rows, failures }) {
  const { version } = JSON.parse(readFileSync(join(root, "packages/node/package.json"), "utf8"));
  const machine = { platform: `${process.platform}-${process.arch}`, cpu: cpus()[0]?.model ?? "unknown", cores: availableParallelism() };
  const result = { version, suite, node: process.version, time: new Date().toISOString(), machine, options, rows, failures };
  mkdirSync(dirname(jsonFile), { recursive: true });
  writeFileSync(jsonFile, `${JSON.stringify(result, null, 2)}\n`);
  console.log(`\nwritten to ${jsonFile}`);
}
