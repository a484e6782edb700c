import assert from "node:assert/strict";
import { test } from "node:test";
import { readDestination } from "./destination.js";

test("user, host and port are found as ssh would find them", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["ann@host", "ann|host|"],
    ["host", "|host|"],
    ["-p 2222 ann@host", "ann|host|2222"],
    ["-p2222 ann@host -v", "ann|host|2222"],
    ["ann@host -vvp 22 uptime -p 9", "ann|host|22"],
    ["-o User=ann -o Port=23 host", "ann|host|23"],
    ["-oUser=ann host", "ann|host|"],
    ["-o StrictHostKeyChecking=no -i key host ls -l", "|host|"],
    ["-l ann host", "ann|host|"],
    ["-L 80:web:80 -N ann@host", "ann|host|"],
    ["a@b@host", "a@b|host|"],
    ["-v", "||"],
  ];
  for (const [line, expected] of cases) {
    const { user, host, port } = readDestination(line.split(" "));
    assert.equal(`${user}|${host}|${port}`, expected, line);
  }
});
