import { field } from "@coffer/state-machine";
import { redactUrl } from "./details.js";
import type { Details } from "./storage.js";

/** What `connection_details` may hold: the fields of all plugins. Each reads those that are its own. */
export const connectionFields = {
  connection_url: field.string({ description: "Where the database is: a URL or key=value list for PostgreSQL, user:password@tcp(host:port)/database for MySQL. {{username}} and {{password}} are filled in." }),
  username: field.string({ description: "The user that makes and removes users." }),
  password: field.string({ description: "Its password. It is never shown.", sensitive: true }),
  username_template: field.string({ description: "How names of users are made, in the template language that Vault documents for it." }),
  disable_escaping: field.bool({ description: "Whether username and password are escaped for a URL already." }),
  max_open_connections: field.int({ description: "Connections at most; 4 unless given." }),
  max_idle_connections: field.int({ description: "Connections kept open while there is nothing to do; as many as may be open unless given." }),
  max_connection_lifetime: field.duration({ description: "How long a connection is used at most; 0 for as long as it lasts." }),
  tls_ca: field.string({ description: "Certificates of those who may have signed the server's, PEM." }),
  tls_certificate: field.string({ description: "PostgreSQL: certificate to log in with, PEM." }),
  private_key: field.string({ description: "PostgreSQL: the certificate's key, PEM.", sensitive: true }),
  tls_certificate_key: field.string({ description: "MySQL and Redis: certificate to log in with and its key in one, PEM.", sensitive: true }),
  tls_server_name: field.string({ description: "MySQL: name that the server's certificate must have." }),
  tls_skip_verify: field.bool({ description: "MySQL: takes any certificate of the server." }),
  password_authentication: field.string({ description: "PostgreSQL: with scram-sha-256, statements get passwords in the form that the server stores them in; with password, as they are." }),
  self_managed: field.bool({ description: "PostgreSQL: there is no username and password of its own; the users of static roles log in themselves, to change their passwords." }),
  host: field.string({ description: "Redis: host." }),
  port: field.int({ description: "Redis: port." }),
  tls: field.bool({ description: "Redis: whether to use TLS." }),
  insecure_tls: field.bool({ description: "Redis: takes any certificate of the server." }),
  ca_cert: field.string({ description: "Redis: certificates of those who may have signed the server's, PEM. Required with tls." }),
} as const;

/** As they were sent; the fields have checked them. */
export function detailsFrom(body: Readonly<Record<string, unknown>>, given: (name: string) => boolean): Details {
  return Object.fromEntries(Object.keys(connectionFields).filter(given).map((name) => [name, body[name]]));
}

/** Without what nobody may read. */
export function shownDetails(details: Details): Details {
  const { password: _password, private_key: _key, tls_certificate_key: _pair, ...rest } = details;
  return typeof rest["connection_url"] === "string" ? { ...rest, connection_url: redactUrl(rest["connection_url"]) } : rest;
}
