import assert from "node:assert/strict";
import type { Harness } from "../testing/harness.js";
import { createHarness } from "../testing/harness.js";

/** For tests: a service with transit at `transit/`, and ways of asking that expect it to work, or not to. */
export interface TransitRig extends Harness {
  /** The data of an answer that must be 200. */
  post(path: string, body?: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>;
  get(path: string, query?: Readonly<Record<string, string>>): Promise<Record<string, unknown>>;
  /** The one error of an answer that must be 400, and must have written nothing. */
  refused(path: string, body?: Readonly<Record<string, unknown>>): Promise<string>;
}

export const base64 = (text: string | Uint8Array): string => Buffer.from(text).toString("base64");

export async function transitRig(): Promise<TransitRig> {
  const harness = await createHarness();
  await harness.mount("transit", "transit");
  const dataOf = async (method: "GET" | "POST", path: string, body: Readonly<Record<string, unknown>> | undefined, query: Readonly<Record<string, string>>) => {
    const { status, text, body: answer } = await harness.request(method, `transit/${path}`, body, { query });
    assert.ok(status === 200 || status === 204, `${path}: ${status} ${text}`);
    return (answer["data"] ?? {}) as Record<string, unknown>;
  };
  return {
    ...harness,
    post: (path, body = {}) => dataOf("POST", path, body, {}),
    get: (path, query = {}) => dataOf("GET", path, undefined, query),
    async refused(path, body = {}) {
      const before = harness.store.index();
      const { status, text, body: answer } = await harness.request("POST", `transit/${path}`, body);
      assert.equal(status, 400, `${path}: ${text}`);
      assert.equal(harness.store.index(), before, "nothing was written");
      return answer.errors!.join("; ");
    },
  };
}
