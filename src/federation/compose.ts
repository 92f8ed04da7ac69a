import { HubError } from '#contract';
import type { Composed, ComposeQuestion, Part } from './compose-worker.ts';
import { createHelper, HelperError } from './helper.ts';
import { inThread } from './hosts.ts';

export type { Composed, Part };

/** Composes supergraphs in a thread of its own. */
export interface Composer {
  /** @throws HubError SUBGRAPH_REFUSED if it takes too long or the parts do not compose together */
  compose(hub: string, parts: readonly Part[]): Promise<Composed>;
  close(): Promise<void>;
}

/** `deadlineMs` for one composition. */
export function createComposer(deadlineMs = 15_000): Composer {
  const thread = createHelper<ComposeQuestion, Composed>('composer', inThread(new URL('./compose-worker.ts', import.meta.url)));
  return {
    async compose(hub, parts) {
      try {
        return await thread.ask({ hub, parts }, deadlineMs);
      } catch (cause) {
        const late = cause instanceof HelperError && cause.kind !== 'refused';
        throw new HubError(
          'SUBGRAPH_REFUSED',
          late
            ? `The supergraph could not be composed within ${deadlineMs} ms.`
            : `The supergraph does not compose: ${(cause as Error).message}`,
          { retryable: late, cause },
        );
      }
    },
    close: () => thread.close(),
  };
}
