import { resolveTemplate } from "@coffer/state-machine";
import type { TemplateSubject } from "@coffer/state-machine";
import type { Role } from "./role.js";

/** In a value of somebody's identity: it would stand for anything. */
const GLOB = /\*/;
const NOTHING = /(?!)/;

/** The caller whose identity fills a role's templates. */
export type IdentityOf = () => TemplateSubject | undefined;

/** ACME's clients have no token. */
export const NOBODY: IdentityOf = () => undefined;

/**
 * A role as it is for one caller: with the templates of allowed_domains and allowed_uri_sans filled. One that has no value, or a
 * value with a `*` where the role does not say that it may, allows nothing. The very role where it has no templates.
 */
export function filledFor(role: Role, identityOf: IdentityOf): Role {
  if (!role.allowed_domains_template && !role.allowed_uri_sans_template) return role;
  const subject = identityOf();
  const forbidden = role.allow_globs_in_identity_templates ? NOTHING : GLOB;
  const fill = (texts: readonly string[]) => texts.flatMap((text) => resolveTemplate(text, subject, forbidden) ?? []);
  return {
    ...role,
    allowed_domains: role.allowed_domains_template ? fill(role.allowed_domains) : role.allowed_domains,
    allowed_uri_sans: role.allowed_uri_sans_template ? fill(role.allowed_uri_sans) : role.allowed_uri_sans,
  };
}
