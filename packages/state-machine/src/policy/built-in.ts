const allow = (why: string, capabilities: string, ...paths: string[]) =>
  `# ${why}\n${paths.map((path) => `path "${path}" {\n  capabilities = [${capabilities}]\n}`).join("\n")}\n`;

/** What every token may do unless it asked to be without: look after itself. An operator may edit it. */
export const DEFAULT_POLICY = [
  allow("A token may look itself up, renew itself and give itself up.", '"read"', "auth/token/lookup-self"),
  allow("Renewal and revocation of the own token.", '"update"', "auth/token/renew-self", "auth/token/revoke-self"),
  allow("What may I do?", '"update"', "sys/capabilities-self"),
  allow("What may I do? For user interfaces.", '"read"', "sys/internal/ui/resultant-acl"),
  allow("Leases whose id is known may be looked up and renewed.", '"update"', "sys/renew", "sys/leases/renew", "sys/leases/lookup"),
  allow("Each token has a cubbyhole of its own.", '"create", "read", "update", "delete", "list"', "cubbyhole/*"),
  allow("Wrapping and unwrapping of responses.", '"update"', "sys/wrapping/wrap", "sys/wrapping/lookup", "sys/wrapping/unwrap"),
  allow("General purpose tools.", '"update"', "sys/tools/hash", "sys/tools/hash/*"),
  allow("Control group requests whose accessor is known.", '"update"', "sys/control-group/request"),
  allow("The own entity, where there is one.", '"read"', "identity/entity/id/{{identity.entity.id}}", "identity/entity/name/{{identity.entity.name}}"),
  allow("Sign-in with this service as an OIDC provider.", '"read", "update"', "identity/oidc/provider/+/authorize"),
].join("\n");

/** A wrapping token can open its own cubbyhole, and nothing else. */
export const WRAPPING_POLICY = `path "cubbyhole/response" {\n  capabilities = ["create", "read"]\n}\npath "sys/wrapping/unwrap" {\n  capabilities = ["update"]\n}\n`;
