import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "./context.js";
import { Failure } from "./failure.js";

const POLL_MS = 1_000;

type Remount = { readonly migration_id: string };
type RemountStatus = { readonly migration_info?: { readonly status?: string } };

/** Starts a move of a mount and waits for its end. */
export async function moveMount(context: Context, thing: string): Promise<number> {
  const [from, to] = context.args.map((path) => (path.trim().endsWith("/") ? path.trim() : `${path.trim()}/`));
  const client = await context.client();
  const started = await context.attempt(`Error moving ${thing} ${from} to ${to}`, client.request<Remount>("POST", "sys/remount", { body: { from, to } }));
  const id = started.data.migration_id;
  const what = `${thing} ${from} to ${to}, with migration ID ${id}`;
  context.print(`Started moving ${what}`);
  for (;;) {
    const answer = await context.attempt(
      `Error checking migration status of ${thing} ${from} to ${to}`,
      client.request<RemountStatus>("GET", `sys/remount/status/${id}`),
    );
    const status = answer.data.migration_info?.status;
    if (status === "success") {
      context.print(`Success! Finished moving ${what}`);
      return 0;
    }
    if (status === "failure") throw new Failure(`Failure! Error encountered moving ${what}`, 2);
    context.print(`Waiting for terminal status in migration of ${what}`);
    await sleep(POLL_MS);
  }
}
