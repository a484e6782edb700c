import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { formatTable } from "./columns.js";
import { formatDuration, humanField } from "./duration.js";
import { formatGoQuoted, formatGoValue } from "./go-value.js";
import { formatHeader } from "./header.js";
import { formatJson } from "./json.js";
import { formatSealStatus } from "./seal-status.js";
import { wrapText } from "./wrap.js";
import { formatYaml } from "./yaml.js";

describe("values", () => {
  it("print as Go prints them", () => {
    assert.equal(formatGoValue({ b: [1, null, "x"], a: { c: true } }), "map[a:map[c:true] b:[1 <nil> x]]");
    assert.equal(formatGoQuoted(["a", 'b"']), '["a" "b\\""]');
    assert.equal(formatGoQuoted(null), "[]");
  });

  it("become durations where their name says so", () => {
    assert.deepEqual([0, 30, 60, 90, 3600, 3660, 5400, 2764800].map(formatDuration), ["0s", "30s", "1m", "1m30s", "1h", "1h1m", "1h30m", "768h"]);
    assert.equal(humanField("max_ttl", 60), "1m");
    assert.equal(humanField("ttl", "60"), "60");
    assert.equal(humanField("ttls", 60), 60);
  });
});

describe("tables", () => {
  it("of a server's seal end with what is wrong with it", () => {
    const status = { type: "awskms", initialized: true, sealed: true, t: 2, n: 3, progress: 0, nonce: "", recovery_seal: true, recovery_seal_type: "shamir" };
    assert.doesNotMatch(formatSealStatus(status), /Warning/);
    assert.match(formatSealStatus({ ...status, warnings: ["AWS KMS, key k: away"] }), /\nWarning {18}AWS KMS, key k: away$/);
  });

  it("align by characters and show what is empty", () => {
    assert.equal(formatTable([["Key", "Value"], ["ü", ""], ["long", "x"]]), "Key     Value\n---     -----\nü       n/a\nlong    x");
  });

  it("have headers about as wide as themselves", () => {
    assert.equal(formatHeader("Data", 12), "=== Data ===");
    assert.equal(formatHeader("Data", 13), "==== Data ====");
    assert.equal(formatHeader("Metadata", 3), "== Metadata ==");
  });
});

describe("prose", () => {
  it("is broken at 78 columns and keeps its words", () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{1,20}$/), { minLength: 1 }), (words) => {
        const lines = wrapText(words.join(" "), 2).split("\n");
        assert.deepEqual(lines.join(" ").trim().split(/\s+/), words);
        assert.ok(lines.every((line) => line.length <= 78 && line.startsWith("  ")));
      }),
    );
  });
});

describe("JSON and YAML", () => {
  const data = fc.dictionary(fc.string({ unit: "grapheme" }).filter((key) => key !== "__proto__"), fc.oneof(fc.string({ unit: "grapheme" }), fc.integer(), fc.boolean(), fc.constant(null), fc.array(fc.string())));

  it("say what they were given", () => {
    fc.assert(fc.property(data, (value) => assert.deepEqual(JSON.parse(formatJson(value)), { ...value })));
    fc.assert(fc.property(data, (value) => assert.deepEqual(parse(formatYaml({ data: value }), { version: "1.1" }), { data: { ...value } })));
  });

  it("keep text text for readers of YAML 1.1 and 1.2", () => {
    const words = ["n", "yes", "off", "123", "0o17", "0x1f", "1_000", "1e3", ".5", "~", "null", "2020-01-01", "1:30", "", " x", "# x", "a: b", "- x", "a\nb", "a\tb", "=", "<<"];
    for (const version of ["1.1", "1.2"] as const) assert.deepEqual(parse(formatYaml(words), { version }), words);
  });

  it("sort keys, keep a Map's order and escape what HTML would read", () => {
    assert.equal(formatJson({ b: 1, a: new Map([["z", "<&>"], ["y", ""]]) }), '{\n  "a": {\n    "z": "\\u003c\\u0026\\u003e",\n    "y": ""\n  },\n  "b": 1\n}');
  });
});
