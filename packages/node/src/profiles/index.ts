import type { ProfileControl, ProfileName } from "@coffer/state-machine";
import { commandLine } from "./command-line.js";
import { cpuProfile, fromCpuProfile } from "./cpu-profile.js";
import { heapSamples, heapSizes } from "./heap-profile.js";
import { contention, threads, waiting } from "./process-profiles.js";
import { encodeProfile, profileText } from "./profile.js";
import type { Profile } from "./profile.js";
import { runtimeTrace } from "./trace.js";

type Take = (seconds: number) => Profile | Promise<Profile>;

const TAKE: Readonly<Record<ProfileName, Take>> = {
  allocs: (seconds) => heapSamples("alloc_space", seconds),
  block: contention,
  goroutine: waiting,
  heap: (seconds) => (seconds === 0 ? heapSizes() : heapSamples("inuse_space", seconds)),
  mutex: contention,
  async profile(seconds) {
    const timeMs = Date.now();
    return fromCpuProfile(await cpuProfile(seconds), timeMs);
  },
  threadcreate: threads,
};

/** The profiles of this process; of its main thread, where it is about functions and memory. */
export const profiles: ProfileControl = {
  async take(name, form, seconds) {
    const profile = await TAKE[name](seconds);
    return form === "text" ? profileText(name, profile) : encodeProfile(profile);
  },
  cpuProfile: async (seconds) => JSON.stringify(await cpuProfile(seconds)),
  trace: runtimeTrace,
  commandLine,
};
