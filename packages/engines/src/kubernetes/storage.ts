import { jsonCodec } from "@coffer/state-machine";
import type { ReadStorage, RoleTokens, WriteStorage } from "@coffer/state-machine";

/**
 * What kubernetes stores below its mount:
 *
 *     config         where the cluster's API is, and who asks it
 *     role/<name>    which service accounts may log in, and as what
 */
export interface KubernetesConfig {
  readonly kubernetes_host: string;
  readonly kubernetes_ca_cert: string;
  readonly token_reviewer_jwt: string;
  readonly pem_keys: readonly string[];
  readonly issuer: string;
  readonly disable_iss_validation: boolean;
  readonly disable_local_ca_jwt: boolean;
  readonly use_annotations_as_alias_metadata: boolean;
}

export const ALIAS_SOURCES = ["serviceaccount_uid", "serviceaccount_name"] as const;

export interface KubernetesRole {
  readonly bound_service_account_names: readonly string[];
  readonly bound_service_account_namespaces: readonly string[];
  /** A label selector, JSON or YAML; empty: none. */
  readonly bound_service_account_namespace_selector: string;
  readonly audience: string;
  readonly alias_name_source: (typeof ALIAS_SOURCES)[number];
  readonly tokens: RoleTokens;
}

export const ROLE_FOLDER = "role/";
const configCodec = jsonCodec<KubernetesConfig>();
const roleCodec = jsonCodec<KubernetesRole>();

export function getConfig(storage: ReadStorage): KubernetesConfig | undefined {
  const config = storage.get("config", configCodec);
  // Of one that is older than the setting.
  return config && { ...config, use_annotations_as_alias_metadata: config.use_annotations_as_alias_metadata ?? false };
}

export function putConfig(storage: WriteStorage, config: KubernetesConfig): void {
  storage.put("config", configCodec, config);
}

export function getRole(storage: ReadStorage, name: string): KubernetesRole | undefined {
  return storage.get(ROLE_FOLDER + name.toLowerCase(), roleCodec);
}

export function putRole(storage: WriteStorage, name: string, role: KubernetesRole): void {
  storage.put(ROLE_FOLDER + name.toLowerCase(), roleCodec, role);
}
