import { setTimeout as sleep } from 'node:timers/promises';
import { openApi, type SandboxAddresses } from './api.ts';

/** The made-up registration office of each city: asks what its answer is awaited for, and answers after a while. */
export interface RegistryOffices {
  stop(): Promise<void>;
}

export interface RegistryOptions {
  readonly cities: readonly { readonly id: string }[];
  /** How long an office thinks about each step, in milliseconds. @default 4000 */
  readonly thinkMs?: number;
}

/** What an office answers to; everything else waits for a person at the console. */
const answers: Readonly<Record<string, string>> = {
  EVALUATE: 'ACCEPTED',
  DEREGISTER: 'DONE',
  RECOGNISE: 'APPLIED',
  TAKE_BACK: 'APPLIED',
};

interface Awaited {
  readonly awaitedAnswers: {
    readonly nodes: readonly { readonly step: string; readonly code: string; readonly case: { readonly id: string } }[];
  };
}

/** Starts one office for each city. They use the API with their city's own token, as a real register would. */
export function startRegistryOffices(addresses: SandboxAddresses, { cities, thinkMs = 4000 }: RegistryOptions): RegistryOffices {
  const stopped = new AbortController();
  const pause = (ms: number) => sleep(ms, undefined, { signal: stopped.signal }).catch(() => {});

  async function run(id: string): Promise<void> {
    const api = openApi(addresses, `clerk-${id}`);
    while (!stopped.signal.aborted) {
      await pause(thinkMs / 2);
      try {
        const { awaitedAnswers } = await api.ask<Awaited>('{ awaitedAnswers(first: 50) { nodes { step code case { id } } } }');
        for (const { step, code, case: file } of awaitedAnswers.nodes) {
          const choice = answers[code];
          if (choice === undefined || stopped.signal.aborted) continue;
          await pause(thinkMs / 2);
          await api.ask('mutation ($input: AnswerCaseInput!) { answerCase(input: $input) { __typename } }', {
            input: { id: file.id, step, choice },
          });
        }
      } catch {
        // The hub is on its way up or down: the next look will tell.
      }
    }
  }

  const running = cities.map(({ id }) => run(id));
  return {
    async stop() {
      stopped.abort();
      await Promise.all(running);
    },
  };
}
