import type { BreakGlass } from "./break-glass.js";
import { createGenerateRoot } from "./generate-root.js";
import type { GenerateRootControl } from "./generate-root.js";
import { createRekey } from "./rekey.js";
import type { RekeyControl, RekeyTarget } from "./rekey-control.js";

export interface BreakGlassControls {
  readonly generateRoot: GenerateRootControl;
  readonly rekey: Readonly<Record<RekeyTarget, RekeyControl>>;
}

/** Overwrites the shares given so far: this node is sealed. */
export function forgetShares({ generateRoot, rekey }: BreakGlassControls): void {
  generateRoot.cancel();
  rekey.barrier.forget();
  rekey.recovery.forget();
}

export function createBreakGlass(parts: BreakGlass): BreakGlassControls {
  return { generateRoot: createGenerateRoot(parts), rekey: { barrier: createRekey(parts, "barrier"), recovery: createRekey(parts, "recovery") } };
}
