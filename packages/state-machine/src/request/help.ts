import { RequestError, denied } from "../errors.js";
import { engineHelp, openApiDocument, pathHelp, plain } from "../framework/index.js";
import type { CompiledEngine, MountEntry, OperationName } from "../framework/index.js";
import type { ReadStorage } from "../framework/storage.js";
import { route } from "../mounts/index.js";
import type { StoreTransaction } from "../store/index.js";
import type { Answer } from "./answer.js";
import type { AuditTrail } from "./audit-trail.js";
import { identify } from "./authorize.js";
import type { CoreOptions, Target } from "./core.js";
import type { Progress } from "./progress.js";
import { target } from "./route.js";

type EngineFor = (entry: MountEntry) => CompiledEngine | undefined;

const OPERATIONS: readonly OperationName[] = ["read", "list", "update", "delete", "patch", "scan"];
const VERSION = "1";

/** The evaluation of `?help=1`: any good token may ask, whatever its policies. */
export function createHelp({ options, trail }: { readonly options: CoreOptions; readonly trail: AuditTrail }): (tx: StoreTransaction, progress: Progress) => Answer | Promise<Answer> {
  return (tx, progress) => {
    const core = tx.scoped("core/");
    const { request } = progress;
    progress.token = identify(core, request.token, request.remoteAddress, options.env);
    if (!progress.token) throw denied();
    progress.access = { allowed: true, grantingPolicies: [] };
    const answer = (): Answer => ({ kind: "other", response: plain(helpBody(core, options.engineFor, request.path)) });
    const logged = options.audit.enabled(core) ? trail.asked(core, progress) : undefined;
    return logged ? logged.then(answer) : answer();
  };
}

/** The body of `?help=1`: of one path, or of a mount. Throws RequestError 404. `core` is scoped to `core/`. */
function helpBody(core: ReadStorage, engineFor: EngineFor, path: string): Readonly<Record<string, unknown>> {
  const mount = mountAt(core, engineFor, path);
  if (mount) return { help: engineHelp(mount.compiled.engine), openapi: openApiDocument([{ mount: mount.mountPath, engine: mount.compiled.engine }], VERSION) };
  const found = anyTarget(core, engineFor, path);
  const one = { ...found.compiled.engine, paths: [found.match.declaration] };
  return { help: pathHelp(found.mountPath, found.path, found.match.declaration), openapi: openApiDocument([{ mount: found.mountPath, engine: one }], VERSION) };
}

function mountAt(core: ReadStorage, engineFor: EngineFor, path: string): { readonly compiled: CompiledEngine; readonly mountPath: string } | undefined {
  const found = route(core, path);
  if (!found || path.replace(/\/$/, "") !== found.mountPath.slice(0, -1)) return undefined;
  const compiled = engineFor(found.entry);
  return compiled && { compiled, mountPath: found.mountPath };
}

/** The path under whichever operation it has. */
function anyTarget(core: ReadStorage, engineFor: EngineFor, path: string): Target {
  let miss: unknown;
  for (const operation of OPERATIONS) {
    try {
      return target(core, engineFor, path, operation);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (!(miss instanceof RequestError) || error.code === "not_found") miss = error;
    }
  }
  throw miss;
}
