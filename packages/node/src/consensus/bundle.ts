/** A thread's mailbox, as MessagePort and Worker have it. */
export interface Mailbox {
  postMessage(value: unknown): void;
}

export interface Bundler<Message> {
  /** Leaves with whatever else is posted in this turn of the event loop. A function is asked for its message then. */
  post(message: Message | (() => Message)): void;
  /** What was posted last and has not left: it can be added to. */
  last(): Message | undefined;
}

/**
 * Posts messages of one turn together, in order, as one array. Each post wakes the other thread, which costs more than most
 * of what is said: under load a turn has dozens of proposals or answers.
 */
export function createBundler<Message extends object>(mailbox: Mailbox): Bundler<Message> {
  let bundle: (Message | (() => Message))[] = [];

  function flush(): void {
    const messages = bundle;
    bundle = [];
    mailbox.postMessage(messages.map((message) => (typeof message === "function" ? message() : message)));
  }

  return {
    post(message) {
      if (bundle.length === 0) setImmediate(flush);
      bundle.push(message);
    },
    last() {
      const message = bundle.at(-1);
      return typeof message === "function" ? undefined : message;
    },
  };
}
