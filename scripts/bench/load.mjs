import autocannon from "autocannon";

/** Closed loop of keep-alive connections. A figure with failed requests in it would be a lie: they end the run. */
export async function load({ url, headers, method = "GET", body, seconds, connections, idReplacement = false }) {
  await autocannon({ url, headers, method, body, connections, duration: 1, idReplacement });
  const result = await autocannon({ url, headers, method, body, connections, duration: seconds, idReplacement });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} bad answers and ${result.errors} errors at ${url}`);
  return { rate: result.requests.total / result.duration, p50: result.latency.p50, p99: result.latency.p99 };
}
