// In which order the test files run, and which of them beside another.

/** They take a minute or so each: begun last, they would leave the other core idle in the end. */
const LONG = [
  "packages/node/dist/simulation/simulation", "packages/engines/dist/bad-input", "packages/raft/dist/simulation/simulation",
  "cluster-tests/dist/membership", "cluster-tests/dist/docs/pages", "cluster-tests/dist/leases-and-clients", "cluster-tests/dist/autopilot",
];
/** They measure time, or rest on who leads while much is asked of the machine. */
const ALONE = ["failover", "faults-under-load", "membership-under-load", "partition", "pause", "rolling-restart", "stall"].map((name) => `cluster-tests/dist/${name}`);

/** `files`: of the whole suite, relative to its root. Those that run two at a time, and after them those that run alone. */
export function inOrder(files) {
  const named = (names) => names.map((name) => {
    const file = `${name}.test.js`;
    if (!files.includes(file)) throw new Error(`scripts/testing/order.mjs names ${name}, which is no test`);
    return file;
  });
  const [long, alone] = [named(LONG), named(ALONE)];
  return { together: [...long, ...files.filter((file) => !long.includes(file) && !alone.includes(file))], alone };
}
