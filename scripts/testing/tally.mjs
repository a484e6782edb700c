// What Node's runner tells of a run, as counts. Two things it takes for success are failures here: a file that ends before its
// tests have (process.exit(0) somewhere), and a file without a test.

/** The runner's own test that stands for a whole file. It reports it only where the file failed, or had no tests. */
const standsForFile = ({ name, nesting }) => nesting === 0 && /\.test\.m?js$/.test(name);

export function createTally() {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const complaints = [];
  /** File -> its tests that began and have not ended. */
  const open = new Map();
  const failedFiles = new Set();

  function begin(test) {
    if (!standsForFile(test)) open.set(test.file, (open.get(test.file) ?? 0) + 1);
  }

  function end(test, count) {
    if (!standsForFile(test)) open.set(test.file, open.get(test.file) - 1);
    if (test.details.type !== "suite") counts[count] += 1;
  }

  return {
    watch(stream) {
      stream.on("test:enqueue", begin);
      stream.on("test:pass", (test) => {
        if (!standsForFile(test)) end(test, test.skip === undefined ? "passed" : "skipped");
        else {
          counts.failed += 1;
          complaints.push(`${test.name} has no test`);
        }
      });
      stream.on("test:fail", (test) => {
        if (standsForFile(test)) failedFiles.add(test.file);
        end(test, "failed");
      });
    },
    /** After the last stream has ended. */
    close() {
      for (const [file, left] of open) {
        if (left === 0 || failedFiles.has(file)) continue;
        counts.failed += 1;
        complaints.push(`${file} ended before ${left} of its tests had`);
      }
      return { counts, complaints };
    },
  };
}
