import { ApiError } from "@coffer/client";
import type { Context } from "./context.js";
import { Failure } from "./failure.js";
import type { Flag } from "./flags.js";
import { recordOf } from "./json.js";
import { joinPath, trimPath } from "./paths.js";
import { call } from "./secret.js";

export const MOUNT_FLAG: Flag = {
  name: "mount",
  kind: "string",
  help: "Where the KV engine is mounted. With it the argument is the path of the secret; without it the argument is mount and path together.",
};

export type KvPath = {
  readonly v2: boolean;
  /** The API path under one of the engine's prefixes (data, metadata, delete, …); without it for version 1. */
  under(prefix: string): string;
};

/** Finds out, by one request, which mount a path belongs to and which version of KV it speaks. */
export async function resolveKvPath(context: Context, argument: string): Promise<KvPath> {
  const flag = trimPath(context.flags.string("mount"));
  const path = trimPath(argument);
  const asked = flag === "" ? path : flag;
  const { mount, v2 } = await preflight(context, asked);
  const full = flag === "" ? path : joinPath(mount === "" ? flag : mount, path);
  return { v2, under: (prefix) => (v2 ? withPrefix(full, mount, prefix) : full) };
}

async function preflight(context: Context, path: string): Promise<{ mount: string; v2: boolean }> {
  const client = await context.preflight();
  try {
    const secret = await context.attempt("", call(client, "GET", `sys/internal/ui/mounts/${path}`));
    const version = recordOf(secret?.data?.["options"])?.["version"];
    return { mount: String(secret?.data?.["path"] ?? ""), v2: version === "2" };
  } catch (error) {
    const cause = error instanceof Failure ? error.cause : undefined;
    // Servers that know no preflight know no version 2 either.
    if (cause instanceof ApiError && cause.status === 404) return { mount: "", v2: false };
    throw error;
  }
}

function withPrefix(path: string, mount: string, prefix: string): string {
  const bareMount = mount.replace(/\/$/, "");
  if (path === mount || path === bareMount) return joinPath(bareMount, prefix);
  // The mount that the server names may begin with a namespace that the path does not carry.
  const parts = bareMount.split("/");
  for (let skip = 0; skip < parts.length; skip++) {
    const candidate = parts.slice(skip).join("/");
    if (path.startsWith(`${candidate}/`)) return joinPath(candidate, prefix, path.slice(candidate.length));
  }
  return joinPath(bareMount, prefix, path);
}

/** For commands that only version 2 knows. */
export async function requireV2(context: Context, argument: string, message: string, exitCode = 1): Promise<KvPath> {
  const path = await resolveKvPath(context, argument);
  if (!path.v2) throw new Failure(message, exitCode);
  return path;
}

/** The versions of -versions=1,2 -versions=3. */
export function versionList(context: Context): string[] {
  return context.flags.list("versions").flatMap((part) => part.split(",")).map((part) => part.trim()).filter((part) => part !== "");
}

export const VERSIONS_FLAG: Flag = { name: "versions", kind: "list", help: "The versions to act on. May be repeated or hold commas." };
