import { invalid, NameTemplateError, parseOpenTemplate } from "@coffer/state-machine";
import type { Environment } from "@coffer/state-machine";
import { TokenRefused } from "../web-tokens/signature.js";
import type { Claims } from "../web-tokens/signature.js";
import type { JwtRole } from "./storage.js";

/**
 * Policies that a role names by claims, `project_{{.project_id}}`, as OpenBao has them: `token_policies_template_claims`. Templates know
 * claims that are text, numbers or truth values, and not what is inside of others.
 */

type Templated = Pick<JwtRole, "token_policies_template_claims" | "tokens">;

/** Throws RequestError 400 for a policy that is no template, where they are to be templates. */
export function checkPolicyTemplates(role: Templated): void {
  if (!role.token_policies_template_claims) return;
  role.tokens.parameters.token_policies.forEach((text, i) => {
    try {
      parseOpenTemplate(text);
    } catch (error) {
      if (!(error instanceof NameTemplateError)) throw error;
      throw invalid(`failed to parse template policy [${i}]: ${error.message}`);
    }
  });
}

/** What the role gives the bearer of these claims. Throws TokenRefused where a claim is not there. */
export function policiesFor(role: Templated, claims: Claims, env: Environment): readonly string[] {
  const { token_policies: policies } = role.tokens.parameters;
  if (!role.token_policies_template_claims) return policies;
  const fields = Object.fromEntries(Object.entries(claims).filter((entry): entry is [string, string | number | boolean] => ["string", "number", "boolean"].includes(typeof entry[1])));
  const filled = policies.map((text, i) => {
    try {
      return parseOpenTemplate(text).render(fields, env);
    } catch (error) {
      if (!(error instanceof NameTemplateError)) throw error;
      throw new TokenRefused(`failed to template policy [${i}]: ${error.message}`);
    }
  });
  return [...new Set(filled.filter((name) => name !== ""))];
}
