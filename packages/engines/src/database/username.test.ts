import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestClock, createTestEnvironment } from "../testing/environment.js";
import { checkUsernameTemplate, newUsername } from "./username.js";

const env = createTestEnvironment(createTestClock(), "names");
const config = (username_template: string, plugin_name = "postgresql-database-plugin") => ({ plugin_name, connection_details: { username_template } });

test("names look like Vault's", () => {
  assert.match(newUsername(config(""), { DisplayName: "token-with-long-name", RoleName: "app-role" }, env), /^v-token-wi-app-role-[A-Za-z0-9]{20}-1767225600$/);
  assert.match(newUsername(config("", "mysql-rds-database-plugin"), { DisplayName: "token", RoleName: "app-role" }, env), /^v-app--[A-Za-z0-9]{9}$/);
});

test("a display name cannot end a quoted name", () => {
  const who = { DisplayName: `x"; DROP TABLE a; --'\\\n{{password}}`, RoleName: "r" };
  assert.equal(newUsername(config("{{ .DisplayName }}"), who, env), "x__ DROP TABLE a_ --_____password__");
});

test("a template that makes no name is refused when it is written", () => {
  for (const template of ["{{ .PolicyName }}", "{{ random 0 }}", "{{ if true }}x", "{{"]) {
    assert.throws(() => checkUsernameTemplate(config(template), env), { name: "RequestError", code: "invalid_request", message: /unable to initialize username template/ });
  }
  assert.throws(() => checkUsernameTemplate(config("x", "redis-database-plugin"), env), /has no username_template/);
  checkUsernameTemplate(config('{{ if eq .RoleName "" }}none{{ else }}{{ .RoleName }}{{ end }}'), env);
});
