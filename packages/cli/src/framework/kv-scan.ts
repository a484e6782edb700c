import type { Client } from "@coffer/client";
import { callOrMiss } from "./secret.js";
import type { Secret } from "./secret.js";

/** A scan with all of its pages: a server looks at so many keys a request, and then says where to go on. Undefined: a miss. */
export async function scanAll(client: Client, path: string, query?: string): Promise<Secret | undefined> {
  const keys: unknown[] = [];
  const asked = query === undefined ? {} : { query };
  for (let after: unknown = ""; ; ) {
    const page = await callOrMiss(client, "SCAN", path, { query: { ...asked, ...(after !== "" && { after: String(after) }) } });
    const found = page?.data?.["keys"];
    // What came before a last page without anything is all.
    if (page === undefined || !Array.isArray(found)) return keys.length === 0 ? page : { ...EMPTY, data: { keys } };
    keys.push(...(found as unknown[]));
    after = page.data?.["next"];
    if (after !== undefined) continue;
    return keys.length === 0 && page.warnings.length === 0 ? undefined : { ...page, data: { ...page.data, keys } };
  }
}

const EMPTY: Secret = { requestId: "", leaseId: "", leaseDuration: 0, renewable: false, data: undefined, warnings: [], auth: undefined, wrapInfo: undefined };
