import type { Clock } from "./clock.js";
import type { Random } from "./random.js";

/** One life of a member, from its start to its crash. What it has asked for is forgotten with it, and comes late while it stands still. */
export interface Process {
  isAlive(): boolean;
  later(delay: number, job: () => void): void;
  /** Work that takes between so many moments. */
  work(from: number, to: number): Promise<void>;
  onEnd(listener: () => void): void;
  end(): void;
}

export function createProcess(clock: Clock, random: Random, pausedUntil: () => number): Process {
  let isAlive = true;
  let listeners: (() => void)[] = [];

  function later(delay: number, job: () => void): void {
    clock.after(delay, function run() {
      if (!isAlive) return;
      if (pausedUntil() > clock.now()) clock.after(pausedUntil() - clock.now(), run);
      else job();
    });
  }

  return {
    isAlive: () => isAlive,
    later,
    work: (from, to) => new Promise((done) => later(random.int(from, to), done)),
    onEnd: (listener) => void listeners.push(listener),
    end() {
      isAlive = false;
      for (const listener of listeners) listener();
      listeners = [];
    },
  };
}
