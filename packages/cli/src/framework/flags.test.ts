import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Failure } from "./failure.js";
import { parseFlags, type Flag, type Parsed } from "./flags.js";

const FLAGS: readonly Flag[] = [
  { name: "field", kind: "string", help: "", env: "FIELD" },
  { name: "force", kind: "bool", help: "" },
  { name: "cas", kind: "int", help: "" },
  { name: "ttl", kind: "duration", help: "" },
  { name: "policy", kind: "list", help: "" },
  { name: "meta", kind: "map", help: "" },
];

const parse = (line: string, env: Record<string, string> = {}): Parsed => parseFlags(line.split(" ").filter((word) => word !== ""), FLAGS, env);

describe("flags", () => {
  it("take one dash or two, = or a space, before or after arguments", () => {
    for (const line of ["-field=x a b", "--field=x a b", "-field x a b", "a -field x b", "a b --field x"]) {
      const { flags, args, warning } = parse(line);
      assert.equal(flags.string("field"), "x", line);
      assert.deepEqual(args, ["a", "b"], line);
      assert.equal(warning, undefined);
    }
  });

  it("take values that begin with a dash, hold = or are empty", () => {
    assert.equal(parse("-field -x").flags.string("field"), "-x");
    assert.equal(parse("-cas -1").flags.int("cas"), -1);
    assert.equal(parse("-field=a=b").flags.string("field"), "a=b");
    assert.equal(parse("-field= x").flags.string("field"), "");
    assert.ok(parse("-field=").flags.has("field"));
  });

  it("are typed", () => {
    const { flags } = parse("-force -ttl=1h30m -policy=a -policy=b,c -meta k=v -meta=x=1=2 -cas=0");
    assert.equal(flags.bool("force"), true);
    assert.equal(flags.duration("ttl"), 5400);
    assert.deepEqual(flags.list("policy"), ["a", "b,c"]);
    assert.deepEqual(flags.map("meta"), { k: "v", x: "1=2" });
    assert.equal(flags.int("cas", -1), 0);
    assert.equal(parse("-force=false").flags.bool("force"), false);
    assert.equal(parse("-force x").args[0], "x");
  });

  it("come from the environment where they are not given", () => {
    assert.equal(parse("", { FIELD: "e" }).flags.string("field"), "e");
    assert.equal(parse("-field=x", { FIELD: "e" }).flags.string("field"), "x");
  });

  it("end at --, and unknown ones after an argument are arguments", () => {
    assert.deepEqual(parse("a -- -field=x -force").args, ["a", "-field=x", "-force"]);
    const { args, warning } = parse("path -k=v - 1 007");
    assert.deepEqual(args, ["path", "-k=v", "-", "1", "007"]);
    assert.match(warning ?? "", /The following arguments will not be parsed as flags: \[-k=v\]$/);
  });

  it("that are wrong stop the command", () => {
    for (const line of ["-nope", "-field", "-cas=x", "-ttl=soon", "-force=maybe", "-meta=novalue"]) assert.throws(() => parse(line), Failure, line);
  });
});
