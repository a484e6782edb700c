import assert from "node:assert/strict";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { NameTemplateError } from "./error.js";
import { formatGoTime } from "./go-time.js";
import { parseNameTemplate } from "./template.js";

const env = { now: () => Date.UTC(2026, 0, 1), randomBytes, uuid: randomUUID };
const name = (template: string) => parseNameTemplate(template, ["DisplayName", "RoleName"]).render({ DisplayName: "token-with-long-name", RoleName: "app-role" }, env);
const sha = (text: string) => createHash("sha256").update(text).digest("hex");

test("Vault's default template of PostgreSQL", () => {
  const template = '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 8) (.RoleName | truncate 8) (random 20) (unix_time) | truncate 63 }}';
  assert.match(name(template), /^v-token-wi-app-role-[A-Za-z0-9]{20}-1767225600$/);
  assert.notEqual(name(template), name(template));
  assert.match(name('{{ printf "v-%s-%s" (.RoleName | truncate 4) (random 20) | truncate 16 }}'), /^v-app--[A-Za-z0-9]{9}$/);
});

for (const [template, expected] of [
  ["plain", "plain"],
  ["a-{{.RoleName}}-b", "a-app-role-b"],
  ["{{ .RoleName | uppercase }}", "APP-ROLE"],
  ["{{ lowercase \"ABC\" }}", "abc"],
  ['{{ .RoleName | replace "-" "_" }}', "app_role"],
  ['{{ replace "-" "$&" .RoleName }}', "app$&role"],
  ["{{ .RoleName | truncate 3 }}", "app"],
  ["{{ .DisplayName | truncate_sha256 12 }}", `toke${sha("n-with-long-name").slice(0, 8)}`],
  ["{{ .RoleName | truncate_sha256 12 }}", "app-role"],
  ["{{ sha256 .RoleName }}", sha("app-role")],
  ["{{ base64 .RoleName }}", "YXBwLXJvbGU="],
  ["{{ \"YXBw\" | decode_base64 }}", "app"],
  ["{{ unix_time }}", "1767225600"],
  ["{{ unix_time_millis }}", "1767225600000"],
  ['{{ timestamp "2006-01-02T15:04:05.000Z" }}', "2026-01-01T00:00:00.000Z"],
  ["x  {{- .RoleName -}}  y", "xapp-roley"],
  ["{{ `}}` }}{{ \"}}\" }}", "}}}}"],
  ['{{ printf "%s %d %% %v" .RoleName 7 8 }}', "app-role 7 % 8"],
  ["{{ (((.RoleName))) }}", "app-role"],
  ["{{ hex .RoleName | decode_hex }}", "app-role"],
  ['{{ if eq .RoleName "app-role" }}a{{ else }}b{{ end }}', "a"],
  ['{{ if eq .RoleName "x" "app-role" }}a{{ end }}', "a"],
  ['{{ if ne .RoleName "app-role" }}a{{ else if .DisplayName }}b{{ else }}c{{ end }}', "b"],
  ['{{ if not (eq .RoleName "x") }}{{ if "" }}a{{ else }}b{{ end }}{{ end }}-', "b-"],
  ["{{ if false }}x{{ end }}", ""],
  ["{{ eq 1 1 }}", "true"],
  ['a {{- if .RoleName }} b {{- end }}', "a b"],
] as const) {
  test(`template ${template}`, () => assert.equal(name(template), expected));
}

test("uuid is one", () => assert.match(name("{{ uuid }}"), /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/));

for (const [template, problem] of [
  ["{{ .Nope }}", /can't evaluate field Nope/],
  ["{{ nope }}", /function "nope" not defined/],
  ["{{ constructor }}", /function "constructor" not defined/],
  ["{{ .constructor }}", /can't evaluate field/],
  ["{{ if true }}x", /if is not closed/],
  ["{{ if true }}x{{ else }}y", /else is not closed/],
  ["{{ if true }}x{{ else }}y{{ else }}z{{ end }}", /else is not closed/],
  ["{{ end }}", /unexpected {{end}}/],
  ["x{{ else if true }}", /unexpected {{else if true}}/],
  ["{{ if true }}x{{ else }}{{ nope }}{{ end }}", /function "nope" not defined/],
  ["{{ if false }}{{ .Nope }}{{ end }}", /can't evaluate field Nope/],
  ["{{ if eq .RoleName 1 }}x{{ end }}", /incompatible types/],
  ["{{ eq 1 }}", /at least 2/],
  ["{{ ne 1 2 3 }}", /want 2 got 3/],
  ["{{ range .RoleName }}", /function "range" not defined/],
  ["{{ .RoleName", /not closed/],
  ["{{ }}", /missing value/],
  ["{{ (random 3 }}", /unclosed left paren/],
  ["{{ random 3 ) }}", /unexpected "\)"/],
  ["{{ random }}", /wrong number of args for random: want 1 got 0/],
  ["{{ random \"x\" }}", /random takes a number/],
  ["{{ random 0 }}", /between 1 and 1000/],
  ["{{ random 100000000 }}", /between 1 and 1000/],
  ["{{ truncate 0 .RoleName }}", /max length must be > 0 but was 0/],
  ["{{ truncate_sha256 8 .RoleName }}", /max length must be > 8 but was 8/],
  ["{{ .RoleName .RoleName }}", /only a function/],
  ['{{ printf "%x" 1 }}', /printf has no %x/],
  ['{{ printf "%s" }}', /more verbs than values/],
  ["{{ $x := 1 }}", /unexpected/],
] as const) {
  test(`no template: ${template}`, () => assert.throws(() => name(template), problem));
}

test("Go's time layouts", () => {
  const ms = Date.UTC(2024, 6, 4, 13, 5, 9, 70);
  for (const [layout, text] of [["Mon, 02 Jan 2006 15:04:05 MST", "Thu, 04 Jul 2024 13:05:09 UTC"], ["3:04PM", "1:05PM"], ["20060102_2.999", "20240704 4.07"], ["06-1-2 .000000 Z07:00 -0700", "24-7-4 .070000 Z +0000"]] as const) {
    assert.equal(formatGoTime(layout, ms), text);
  }
});

test("any text is a template, or refused as one", () => {
  const piece = fc.constantFrom("{{", "}}", "{{-", "-}}", " | ", "(", ")", '"', "`", "\\", " ", ".RoleName", "random 3", "printf", '"%s"', "truncate 2", "uuid", "x", "-1", "$", "if", "else", "end", "{{ if true }}", "{{ end }}", "{{ else }}", "eq");
  fc.assert(fc.property(fc.oneof(fc.string(), fc.array(piece, { maxLength: 20 }).map((parts) => parts.join(""))), (template) => {
    try {
      assert.equal(typeof name(template), "string");
    } catch (error) {
      assert.ok(error instanceof NameTemplateError, `${template}: ${String(error)}`);
    }
  }), { numRuns: 2000, seed: 1 });
});
