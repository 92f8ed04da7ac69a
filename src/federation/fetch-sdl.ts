import { HubError } from '#contract';
import { longestSdl } from './contract-check.ts';
import type { SubgraphEntry } from './entry.ts';
import { createRemote } from './remote.ts';

/**
 * Asks a subgraph for its SDL (`_service`, Apollo Federation).
 * @throws HubError SUBGRAPH_REFUSED saying what it answered instead
 */
export async function fetchSdl({ name, url, limits }: SubgraphEntry): Promise<string> {
  const remote = createRemote({ name, url, limits: { ...limits, mostBytes: longestSdl * 4 } });
  try {
    const { data, errors } = await remote.ask(
      { kind: 'query', operation: '{ _service { sdl } }', variables: {} },
      { context: null, traceparent: null, signal: null },
    );
    const sdl = (data?.['_service'] as { sdl?: unknown } | null | undefined)?.sdl;
    if (typeof sdl === 'string' && sdl !== '') return sdl;
    const why = errors[0]?.message ?? `${name}: answered without an SDL`;
    throw new HubError(
      'SUBGRAPH_REFUSED',
      `The SDL cannot be had (${why}). Check the address and that { _service { sdl } } is answered there, or give the SDL yourself.`,
    );
  } finally {
    await remote.close();
  }
}
