import { readFile } from "node:fs/promises";
import type { KubernetesConfig } from "./storage.js";

/** Where Kubernetes puts a pod's own service account. */
const FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The file's text; undefined outside of a pod. Read each time: Kubernetes replaces it within the hour. */
async function own(name: "token" | "ca.crt"): Promise<string | undefined> {
  try {
    return (await readFile(`${FOLDER}/${name}`, "utf8")).trim();
  } catch {
    return undefined;
  }
}

/** With the pod's own authority and token where the configuration gives none and does not forbid it. */
export async function withPod(config: KubernetesConfig): Promise<KubernetesConfig> {
  if (config.disable_local_ca_jwt) return config;
  const { token_reviewer_jwt: token, kubernetes_ca_cert: ca } = config;
  return { ...config, token_reviewer_jwt: token === "" ? ((await own("token")) ?? "") : token, kubernetes_ca_cert: ca === "" ? ((await own("ca.crt")) ?? "") : ca };
}
