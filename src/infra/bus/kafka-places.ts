import type { Consumer } from 'kafkajs';

/** How soon a place is committed, in milliseconds. */
const COMMIT_MS = 200;

/**
 * Commits how far a member has come in its partitions, in the background: a commit costs a round trip, and between two batches
 * the next event would wait for it. Every place noted has everything before it done, so a commit that comes late or fails
 * makes events come again, nothing else.
 */
export interface Places {
  /** The member has joined: from now on these partitions, by topic, are its own. */
  begin(assigned: Readonly<Record<string, readonly number[]>>): void;
  /** Everything before `offset` is done. */
  note(topic: string, partition: number, offset: number): void;
  /** Commits what is noted, then nothing more. */
  close(): Promise<void>;
}

/** The places of a consumer. */
export function createPlaces(consumer: Consumer): Places {
  let noted = new Map<string, { topic: string; partition: number; offset: string }>();
  let own = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let committing = Promise.resolve();

  async function commit(): Promise<void> {
    timer = undefined;
    const now = [...noted].filter(([name]) => own.has(name));
    noted = new Map();
    if (now.length === 0) return;
    const began = own;
    try {
      await consumer.commitOffsets(now.map(([, place]) => place));
    } catch {
      // The coordinator is away, or the group is being shared out anew: then the next owner repeats them, otherwise they go again.
      if (closed || own !== began) return;
      for (const [name, place] of now) if (!noted.has(name)) noted.set(name, place);
      schedule();
    }
  }

  function schedule(): void {
    timer ??= setTimeout(() => {
      committing = committing.then(commit);
    }, COMMIT_MS);
  }

  return {
    begin(assigned) {
      own = new Set(Object.entries(assigned).flatMap(([topic, partitions]) => partitions.map((partition) => `${topic}/${partition}`)));
      // Another member may have come further meanwhile.
      noted = new Map();
    },
    note(topic, partition, offset) {
      noted.set(`${topic}/${partition}`, { topic, partition, offset: String(offset) });
      if (!closed) schedule();
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      committing = committing.then(commit);
      await committing;
    },
  };
}
