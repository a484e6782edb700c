import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { createHarness } from "../testing/harness.js";
import type { Answer, Body, Harness, Method } from "../testing/harness.js";

/** A service with a mount `pki`, whose certificates may live ten years. */
export interface PkiService extends Harness {
  /** Below `pki/`; fails the test for any status but 200, 202 or 204. */
  ask(method: Method, path: string, body?: Body): Promise<Answer>;
  /** The `data` of such an answer. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test says what it expects by asserting it
  data(method: Method, path: string, body?: Body): Promise<Record<string, any>>;
  /** The first error of a request that must fail with 400. */
  refusal(path: string, body: Body, method?: Method): Promise<string>;
}

export async function createPki(): Promise<PkiService> {
  const harness = await createHarness();
  await harness.mount("pki", "pki");
  await harness.request("POST", "sys/mounts/pki/tune", { max_lease_ttl: "87600h" });
  const ask: PkiService["ask"] = async (method, path, body) => {
    const answer = await harness.request(method, `pki/${path}`, body);
    assert.ok([200, 202, 204].includes(answer.status), `${method} ${path}: ${answer.status} ${answer.text}`);
    return answer;
  };
  return {
    ...harness,
    ask,
    data: async (method, path, body) => (await ask(method, path, body)).body["data"],
    async refusal(path, body, method = "POST") {
      const { status, body: answer, text } = await harness.request(method, `pki/${path}`, body);
      assert.equal(status, 400, text);
      return answer.errors![0]!;
    },
  };
}

/** A root on a curve (quick), and a role `any` that allows any name. */
export async function createPkiWithRoot(): Promise<PkiService & { readonly root: string }> {
  const pki = await createPki();
  const { certificate } = await pki.data("POST", "root/generate/internal", { common_name: "Test Root", key_type: "ec", ttl: "43800h" });
  await pki.ask("POST", "roles/any", { allow_any_name: true, key_type: "ec", enforce_hostnames: true, max_ttl: "8760h" });
  return { ...pki, root: certificate as string };
}

/** The real counterpart: OpenSSL's own tool, on files of a folder that goes with the test. */
export interface OpenSsl {
  /** What it says, errors and remarks first; fails the test where the command fails. */
  (...args: readonly string[]): string;
  /** Writes a file, and gives its path. */
  file(name: string, content: string | Uint8Array): string;
}

export function openSsl(context: TestContext): OpenSsl {
  const folder = mkdtempSync(join(tmpdir(), "coffer-pki-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const run = (...args: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync("openssl", args, { encoding: "utf8", cwd: folder });
    assert.equal(status, 0, `openssl ${args.join(" ")}: ${stdout}${stderr}`);
    return stderr + stdout;
  };
  return Object.assign(run, {
    file(name: string, content: string | Uint8Array) {
      const path = join(folder, name);
      writeFileSync(path, content);
      return path;
    },
  });
}

/** The harness' clock: certificates are judged at its time. */
export const atSeconds = ({ clock }: Harness): string => String(Math.floor(clock.now() / 1000));
