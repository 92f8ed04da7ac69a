import { join } from 'node:path';
import { adapters } from '../../adapters/index.ts';
import { createCities } from '../../src/cities/cities.ts';
import { readSubject } from '../../src/conformance/conformance.ts';
import { createMemoryCache } from '../../src/infra/cache/memory.ts';
import { createLog } from '../../src/infra/log.ts';
import { createMetrics } from '../../src/infra/metrics.ts';
import { markedTexts } from '../../src/conformance/settings.ts';
import { calibrate } from '../kit/quiet.ts';
import { watchTurns } from '../kit/turns.ts';

/*
 * One city with an adapter, connected as the hub does it, in a process of its own: reads all that its back office tells when it is asked to,
 * and says for how long its event loop was held.
 *
 *   node held-office.ts <product> <values for the city's file, as JSON>
 */
const [product = '', values = '{}'] = process.argv.slice(2);
const folder = join(import.meta.dirname, '../../adapters', product, 'conformance');
const subject = await readSubject({
  adapter: product,
  config: join(folder, 'city.yaml'),
  shipped: adapters,
  env: JSON.parse(values) as Record<string, string>,
});
if ('complaints' in subject) throw new Error(JSON.stringify(subject.complaints));
const { definition, config } = subject;
const checked = await definition.config['~standard'].validate(config);
if (checked.issues) throw new Error(JSON.stringify(checked.issues));
const cities = createCities({
  connected: [
    {
      city: {
        id: 'city',
        ars: subject.ars as never,
        name: 'City',
        since: '2026-11-01',
        paused: false,
        catalogue: null,
        adapters: [
          {
            id: 'office',
            product,
            services: ['*'],
            statusMap: new Map(),
            limits: { concurrency: 4, timeoutMs: 20_000, retries: 0, breaker: { failures: 1e9, halfOpenMs: 1 } },
          },
        ],
      },
      adapters: [
        {
          id: 'office',
          definition,
          config: checked.value,
          endpoints: markedTexts(definition, config, 'endpoint').map(({ text }) => text),
          secrets: [],
        },
      ],
    },
  ],
  cache: createMemoryCache(),
  log: createLog('silent'),
  metrics: createMetrics(),
  now: () => new Date(),
});
await cities.start();

/** Reads everything; what goes wrong is told in a word. */
async function readAll(): Promise<string> {
  let read = 0;
  try {
    await cities.read(
      'city',
      'office',
      async ({ changes, catalogue }, call) => {
        for await (const { items } of catalogue?.listOffers(call) ?? []) read += items.length;
        for await (const { items } of changes?.pull(null, call) ?? []) read += items.length;
      },
      { traceparent: '' },
    );
    return `${read} read`;
  } catch (error) {
    return `${read} read, ${error instanceof Error ? error.message.slice(0, 100) : ''}`;
  }
}

process.on('message', (asked: 'read' | 'slowness') => {
  if (asked === 'slowness') return void process.send?.(calibrate());
  const held = watchTurns();
  return void readAll().then((outcome) => process.send?.({ heldMs: held(), outcome }));
});
process.on('disconnect', () => void cities.stop().then(() => process.exit(0)));
process.send?.('ready');
