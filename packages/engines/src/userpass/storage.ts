import { jsonCodec } from "@coffer/state-machine";
import type { ListOptions, ReadStorage, RoleTokens, WriteStorage } from "@coffer/state-machine";

/** A user, below the mount at `user/<name>`, lower-cased. */
export interface User {
  /** bcrypt's text. */
  readonly hash: string;
  readonly tokens: RoleTokens;
}

const codec = jsonCodec<User>();
const keyOf = (name: string) => `user/${name.toLowerCase()}`;

export function getUser(storage: ReadStorage, name: string): User | undefined {
  return storage.get(keyOf(name), codec);
}

export function putUser(storage: WriteStorage, name: string, user: User): void {
  storage.put(keyOf(name), codec, user);
}

export function removeUser(storage: WriteStorage, name: string): void {
  storage.delete(keyOf(name));
}

export function listUsers(storage: ReadStorage, page: ListOptions): Promise<string[]> {
  return storage.list("user/", page);
}
