import { invalid, RequestError } from "@coffer/state-machine";
import type { ReadStorage } from "@coffer/state-machine";
import { urlExtensions } from "./extensions.js";
import type { ExtensionPart, IssuerUrls } from "./extensions.js";
import { getCluster, getUrls } from "./storage.js";
import type { ClusterConfig, Issuer, Urls } from "./storage.js";

export const URL_LISTS = ["issuing_certificates", "crl_distribution_points", "delta_crl_distribution_points", "ocsp_servers"] as const satisfies readonly (keyof IssuerUrls)[];

/** Throws RequestError 400 for what is no URL. Templates are looked at when they are filled in. */
export function checkUrls(urls: Urls): void {
  if (urls.enable_templating) return;
  for (const list of URL_LISTS) for (const url of urls[list]) checkUrl(list, url);
}

function checkUrl(list: string, url: string): void {
  if (!URL.canParse(url) || !/^[\x21-\x7e]+$/.test(url) || !/^[a-z][a-z0-9+.-]*:\/\//i.test(url)) throw invalid(`invalid URL found in Authority Information Access (AIA) parameter ${list}: ${url}`);
}

/** Throws RequestError 400 where a template needs what was not configured. */
export function fillUrls(urls: Urls, cluster: ClusterConfig, issuerId: string): IssuerUrls {
  if (!urls.enable_templating) return urls;
  const values: Readonly<Record<string, string>> = { issuer_id: issuerId, cluster_path: cluster.path, cluster_aia_path: cluster.aia_path };
  const fill = (list: (typeof URL_LISTS)[number]) =>
    urls[list].map((url) => {
      const filled = url.replace(/\{\{\s*([a-z_]+)\s*\}\}/g, (whole, name: string) => {
        const value = values[name];
        if (value === undefined) return whole;
        if (value === "") throw invalid(name === "issuer_id" ? "unable to template AIA URLs as we lack an issuer_id for this operation" : `unable to template AIA URLs as we lack local cluster address information (${name === "cluster_path" ? "path" : "aia_path"})`);
        return value;
      });
      checkUrl(list, filled);
      return filled;
    });
  return { issuing_certificates: fill("issuing_certificates"), crl_distribution_points: fill("crl_distribution_points"), delta_crl_distribution_points: fill("delta_crl_distribution_points"), ocsp_servers: fill("ocsp_servers") };
}

/** What is to be said of templates that cannot be filled in for this issuer: nobody gets certificates by it until they can. */
export function templateWarnings(urls: Urls, storage: ReadStorage, issuerId: string): string[] {
  try {
    fillUrls(urls, getCluster(storage), issuerId);
    return [];
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return [`issuance may fail: ${error.message}\n\nConsider setting the cluster-local address if it is not already set.`];
  }
}

/** Those of a certificate that `issuer` signs. Throws as `fillUrls` does. */
export function urlsFor(storage: ReadStorage, issuer: Issuer): IssuerUrls {
  return fillUrls(issuer.urls ?? getUrls(storage), getCluster(storage), issuer.id);
}

const encoded = new WeakMap<Urls, readonly ExtensionPart[]>();

/** Extensions with those URLs. Encoded once as long as nothing in them is to be filled in. */
export function urlExtensionsFor(storage: ReadStorage, issuer: Issuer): readonly ExtensionPart[] {
  const urls = issuer.urls ?? getUrls(storage);
  if (urls.enable_templating) return urlExtensions(urlsFor(storage, issuer));
  let made = encoded.get(urls);
  if (!made) encoded.set(urls, (made = urlExtensions(urls)));
  return made;
}

export const hasUrls = (urls: IssuerUrls): boolean => urls.ocsp_servers.length + urls.issuing_certificates.length + urls.crl_distribution_points.length > 0;
export const NO_URLS_WARNING =
  "This mount hasn't configured any authority information access (AIA) fields; this may make it harder for systems to find missing certificates in the chain or to validate revocation status of certificates. Consider updating /config/urls or the newly generated issuer with this information.";
