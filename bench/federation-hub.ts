import { startHub } from '../src/main.ts';
import { readEntry } from '../src/federation/entry.ts';
import { serveParent } from './parent.ts';

/* The hub with a city's subgraph: BENCH_SUBGRAPH names its address, BENCH_ENGINE the fallback engine where that is to be measured. */
const { BENCH_SUBGRAPH: url, BENCH_ENGINE: engine } = process.env;
const hub = await startHub(process.env, { gateway: { rateLimit: null }, ...(engine === 'stitched' && { federation: { engine } }) });
const plugIn = async (name = 'bench') => {
  const entry = readEntry({ name, url });
  if (!('name' in entry)) throw new Error('BENCH_SUBGRAPH is no address');
  const made = await hub.federation.register(entry, 'api');
  if (!made.accepted) throw new Error(JSON.stringify(made.objections));
};
if (url) await plugIn();

serveParent(
  hub.url,
  {
    /** Takes the subgraph out and plugs it in again, each a swap. */
    swap: async () => {
      await hub.federation.remove('bench');
      await plugIn();
    },
  },
  () => hub.close(),
);
