import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { loadConfiguration } from "../load.js";
import type { Configuration } from "../types.js";

/** A folder of its own with these files; gone after the test. */
export function folderOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "coffer-configuration-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

export interface Loader {
  load(text: string, environment?: Readonly<Record<string, string>>): Configuration;
  /** The message of the error that the text gives, without the folder's name. */
  problem(text: string, environment?: Readonly<Record<string, string>>): string;
}

/** Loads texts as a file "c.hcl", or as "c.json" where they begin with a brace. */
export function loader(t: TestContext): Loader {
  const folder = folderOf(t, {});
  const load: Loader["load"] = (text, environment = {}) => {
    const path = join(folder, text.startsWith("{") ? "c.json" : "c.hcl");
    writeFileSync(path, text);
    return loadConfiguration([path], environment);
  };
  return {
    load,
    problem(text, environment) {
      try {
        load(text, environment);
      } catch (error) {
        if (!(error instanceof Error) || !["HclError", "ConfigurationError"].includes(error.name)) throw error;
        return error.message.replaceAll(`${folder}/`, "");
      }
      throw new Error("this configuration was not refused");
    },
  };
}

/** The least that a node starts with, on three lines. */
export const MINIMAL = 'listener "tcp" { tls_disable = true }\nstorage "inmem" {}\napi_addr = "http://127.0.0.1:8200"\n';
