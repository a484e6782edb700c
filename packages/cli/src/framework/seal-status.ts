import { ApiError, type Client } from "@coffer/client";
import { formatSealStatus } from "../output/seal-status.js";
import { orderedSealStatus } from "../output/ordered.js";
import type { Context } from "./context.js";

type Fields = Readonly<Record<string, unknown>>;

/** Prints a seal status together with what sys/leader says about the cluster. */
export async function printSealStatus(context: Context, client: Client, status: Fields): Promise<number> {
  const full = { ...status, ...(await context.attempt("Error checking leader status", leaderStatus(client))) };
  if (context.flags.has("field")) return context.printField(sealField(full, context.flags.string("field")), "seal status");
  if (context.format === "table") context.print(formatSealStatus(full));
  else await context.printData(orderedSealStatus(full));
  return 0;
}

async function leaderStatus(client: Client): Promise<Fields> {
  try {
    return await client.request<unknown, Fields>("GET", "sys/leader");
  } catch (error) {
    // A sealed node of a cluster cannot ask who leads; that it is one is all there is to know.
    if (error instanceof ApiError && error.status === 503) return { ha_enabled: true };
    throw error;
  }
}

function sealField(status: Fields, field: string): unknown {
  return field === "ha_mode" ? (status["is_self"] === true ? "active" : "standby") : status[field];
}
