/** A member of a cluster, and its log: for the thread that consensus lives in, and tools. The rest of the package is cheap to load. */
export { createRaftHost } from "./host.js";
export { completeState, readMembers } from "./opening.js";
