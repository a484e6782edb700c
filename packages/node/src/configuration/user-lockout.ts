import type { BlockReader } from "@coffer/hcl";
import { LOCKOUT_TYPES } from "@coffer/state-machine";
import type { LockoutRules, LockoutSettings } from "@coffer/state-machine";
import { ConfigurationError, variable } from "./environment.js";
import type { Environment } from "./environment.js";

const TYPES = ["all", ...LOCKOUT_TYPES];

/** `user_lockout "userpass" { lockout_threshold = 5 … }`, one a type, and VAULT_DISABLE_USER_LOCKOUT, which is above them all. */
export function readUserLockout(blocks: readonly BlockReader[], environment: Environment): LockoutSettings {
  const byType: Record<string, Partial<LockoutRules>> = {};
  for (const block of blocks) {
    const type = typeOf(block);
    if (Object.hasOwn(byType, type)) block.fail(`two user_lockout blocks are for ${JSON.stringify(type)}`);
    byType[type] = readRules(block);
  }
  const disabled = readDisabled(environment);
  return { byType, ...(disabled !== undefined && { disabled }) };
}

function typeOf({ labels: [label, ...more], body, fail }: BlockReader): string {
  const type = (body.string("type") ?? label ?? "").toLowerCase();
  if (!TYPES.includes(type) || more.length > 0) return fail(`user_lockout is for one of ${TYPES.join(", ")}: user_lockout "all" { … }`);
  return type;
}

function readRules({ body }: BlockReader): Partial<LockoutRules> {
  const threshold = body.int("lockout_threshold");
  const durationSeconds = body.durationSeconds("lockout_duration");
  const counterResetSeconds = body.durationSeconds("lockout_counter_reset");
  const disabled = body.bool("disable_lockout");
  body.end();
  if (threshold !== undefined && threshold < 1) body.fail("lockout_threshold", "lockout_threshold must be at least 1; disable_lockout = true turns lockout off");
  return {
    ...(threshold !== undefined && { threshold }),
    ...(durationSeconds !== undefined && { durationSeconds }),
    ...(counterResetSeconds !== undefined && { counterResetSeconds }),
    ...(disabled !== undefined && { disabled }),
  };
}

function readDisabled(environment: Environment): boolean | undefined {
  const text = variable(environment, "VAULT_DISABLE_USER_LOCKOUT")?.toLowerCase();
  if (text === undefined) return undefined;
  if (["1", "t", "true"].includes(text)) return true;
  if (["0", "f", "false"].includes(text)) return false;
  throw new ConfigurationError("environment variable VAULT_DISABLE_USER_LOCKOUT is true or false");
}
