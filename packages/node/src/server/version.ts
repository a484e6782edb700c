/** The release of Vault whose API this version speaks: clients switch features on by it. */
export const API_VERSION = "1.18.0";
/** Of this release, RFC 3339. */
export const BUILD_DATE = "2026-11-24T00:00:00Z";
