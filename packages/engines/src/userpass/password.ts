import { hash, verify } from "@node-rs/bcrypt";
import { invalid } from "@coffer/state-machine";

const COST = 10;
/** Of hashes made elsewhere: weaker ones are too easy to guess by, stronger ones would keep the server busy. */
const MIN_COST = 5;
const MAX_COST = 12;
/** bcrypt looks at no more. */
const MAX_BYTES = 72;
/** Of a password that nobody has: who is not there is compared with it, so that this takes as long as a wrong password. */
const NOBODY = "$2b$10$fbcrXv8/mUoj5y.dsWqHcuVk.RMm3KE6tyFlYmXClJgBV03IhL0gm";

/** The hash of what a request gave, undefined where it gave neither. Throws RequestError 400. On libuv's pool. */
export async function hashGiven(password: string | undefined, passwordHash: string | undefined): Promise<string | undefined> {
  if (password && passwordHash) throw invalid("only one of password or password_hash may be provided");
  if (passwordHash) return checked(passwordHash);
  if (!password) return undefined;
  if (Buffer.byteLength(password) > MAX_BYTES) throw invalid(`password is longer than the ${MAX_BYTES} bytes that bcrypt looks at`);
  return hash(password, { cost: COST });
}

function checked(text: string): string {
  const cost = Number(/^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(text)?.[1]);
  if (Number.isNaN(cost)) throw invalid("password_hash is not a valid bcrypt hash");
  if (cost < MIN_COST) throw invalid(`bcrypt cost of ${cost} is too low, want ${MIN_COST} at minimum`);
  if (cost > MAX_COST) throw invalid(`bcrypt cost of ${cost} exceeds maximum cost of ${MAX_COST}`);
  return text;
}

/** On libuv's pool. Without a hash it takes as long, and is false. */
export async function isPassword(password: string, passwordHash: string | undefined): Promise<boolean> {
  const isTooLong = Buffer.byteLength(password) > MAX_BYTES;
  const matches = await verify(isTooLong ? "" : password, passwordHash ?? NOBODY);
  return matches && !isTooLong && passwordHash !== undefined;
}
