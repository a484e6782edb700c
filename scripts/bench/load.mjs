import autocannon from "autocannon";

/** Until the code under load has been compiled; as much as the load itself, up to this. */
const WARM_UP_SECONDS = 3;

/** Closed loop of keep-alive connections. A figure with failed requests in it would be a lie: then there is none. */
export async function load({ url, headers, method = "GET", body, seconds, connections, idReplacement = false }) {
  const one = { url, headers, method, body, connections, idReplacement };
  await autocannon({ ...one, duration: Math.min(seconds, WARM_UP_SECONDS) });
  const result = await autocannon({ ...one, duration: seconds });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} bad answers and ${result.errors} errors at ${url}`);
  return { rate: result["2xx"] / result.duration, p50: result.latency.p50, p99: result.latency.p99 };
}
