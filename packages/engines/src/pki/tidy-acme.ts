import type { Mount, WriteStorage } from "@coffer/state-machine";
import { calculateJwkThumbprint } from "jose";
import { accountIds, deleteAccount, deleteEab, deleteOrder, eabIds, getAccount, getEab, getOrder, orderIds, orderKeys, putAccount } from "./acme-storage.js";
import type { Account, Order } from "./acme-storage.js";
import { nextStep } from "./tidy-storage.js";
import type { TidyState } from "./tidy-storage.js";

const MS = 1000;

/** Orders that came to nothing, and those whose certificate ended long enough ago, with their authorizations. */
export async function tidyOrders(storage: WriteStorage, { env }: Mount, state: TidyState, slice: number): Promise<TidyState> {
  if (!state.work.tidy_acme) return nextStep(state);
  const now = env.now();
  const keys = await orderKeys(storage, { after: state.after, limit: slice });
  let deleted = 0;
  for (const key of keys) {
    const [accountId, id] = key.split("/") as [string, string];
    const order = getOrder(storage, accountId, id);
    if (!order || now <= endOf(order, state.work.safety_buffer * MS)) continue;
    deleteOrder(storage, order);
    outlive(storage, order);
    deleted++;
  }
  const after = { ...state, ordersDeleted: state.ordersDeleted + deleted, after: keys[keys.length - 1] ?? "" };
  return keys.length < slice ? nextStep(after) : after;
}

const hasCertificate = ({ serial }: Order) => serial !== "";
const endOf = (order: Order, bufferMs: number) => (hasCertificate(order) ? (order.certificateExpiresMs ?? order.expiresMs) + bufferMs : order.expiresMs);

/** An account is kept for a while after the last of its orders. */
function outlive(storage: WriteStorage, order: Order): void {
  const account = getAccount(storage, order.accountId);
  const endMs = endOf(order, 0);
  if (account && endMs > (account.lastEndMs ?? 0)) putAccount(storage, { ...account, lastEndMs: endMs });
}

/** An account without orders is revoked when it is old enough, and later forgotten, with what finds it by its key. */
export async function tidyAccounts(storage: WriteStorage, { env }: Mount, state: TidyState, slice: number): Promise<TidyState> {
  if (!state.work.tidy_acme) return nextStep(state);
  const now = env.now();
  const before = now - state.work.acme_account_safety_buffer * MS;
  const ids = await accountIds(storage, { after: state.after, limit: slice });
  const counts = { accountsSeen: state.accountsSeen + ids.length, accountsRevoked: state.accountsRevoked, accountsDeleted: state.accountsDeleted };
  for (const id of ids) {
    const account = getAccount(storage, id);
    if (!account || (await orderIds(storage, id, { limit: 1 })).length > 0 || Math.max(madeMs(account, now), account.lastEndMs ?? 0) >= before) continue;
    if (account.status === "valid") {
      putAccount(storage, { ...account, status: "revoked", closedMs: now });
      counts.accountsRevoked++;
    } else if ((account.closedMs ?? 0) < before) {
      deleteAccount(storage, account, await calculateJwkThumbprint(account.jwk));
      counts.accountsDeleted++;
    }
  }
  const after = { ...state, ...counts, after: ids[ids.length - 1] ?? "" };
  return ids.length < slice ? nextStep(after) : after;
}

/** One that does not say is taken for new. */
const madeMs = ({ createdMs }: Account, now: number) => createdMs ?? now;

/** Keys for external account binding that nobody used. */
export async function tidyEabs(storage: WriteStorage, { env }: Mount, state: TidyState, slice: number): Promise<TidyState> {
  if (!state.work.tidy_acme) return nextStep(state);
  const before = env.now() - state.work.acme_account_safety_buffer * MS;
  const ids = await eabIds(storage, { after: state.after, limit: slice });
  for (const id of ids) if (getEab(storage, id)!.createdMs < before) deleteEab(storage, id);
  const after = { ...state, after: ids[ids.length - 1] ?? "" };
  return ids.length < slice ? nextStep(after) : after;
}
