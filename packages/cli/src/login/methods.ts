import { awsLogin } from "./aws.js";
import { fieldLogin } from "./fields.js";
import { githubLogin } from "./github.js";
import type { LoginMethod } from "./method.js";
import { oidcLogin } from "./oidc.js";
import { tokenLogin } from "./token.js";
import { passwordLogin } from "./userpass.js";

/** What -method= may name. */
export const LOGIN_METHODS: Readonly<Record<string, LoginMethod>> = {
  token: tokenLogin,
  userpass: passwordLogin("userpass"),
  ldap: passwordLogin("ldap"),
  radius: passwordLogin("radius"),
  approle: fieldLogin("approle", ["role_id"], "role_id=ID secret_id=@file"),
  jwt: fieldLogin("jwt", ["jwt"], "role=NAME jwt=@file"),
  kubernetes: fieldLogin("kubernetes", ["role", "jwt"], "role=NAME jwt=@/var/run/secrets/kubernetes.io/serviceaccount/token"),
  aws: awsLogin,
  github: githubLogin,
  oidc: oidcLogin,
  cert: fieldLogin("cert", [], "[name=ROLE] -client-cert=FILE -client-key=FILE"),
};
