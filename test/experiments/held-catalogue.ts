import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCatalogue, type CatalogueDeps } from '../../src/catalogue/catalogue.ts';
import { createLog } from '../../src/infra/log.ts';
import { createEventLog } from '../../src/infra/store/eventlog.ts';
import { openStore } from '../../src/infra/store/open-store.ts';
import { calibrate } from '../kit/quiet.ts';
import { watchTurns } from '../kit/turns.ts';

/*
 * A catalogue on a store of its own that takes over what a city's adapter lists, as a running hub does it, and says for how long its
 * event loop was held. Files are read while a hub starts, before anybody asks it.
 */
const folder = mkdtempSync(join(tmpdir(), 'staedtebund-held-'));
const log = createLog('silent');
const store = await openStore(`sqlite:${join(folder, 'hub.db')}`, log);
let listed: readonly unknown[] = [];
const city = { id: 'koeln', ars: '053150000000' as never, catalogue: { adapter: 'services', everyHours: 24 } };
const pages = async function* () {
  for (let at = 0; at < listed.length; at += 500) yield { items: listed.slice(at, at + 500), next: '' };
};
const catalogue = await createCatalogue({
  store,
  eventLog: createEventLog(store),
  cities: {
    list: () => [city],
    findByArs: () => null,
    read: (_city: string, _adapter: string, run: (adapter: object, call: object) => Promise<unknown>) =>
      run({ catalogue: { listOffers: pages } }, { signal: new AbortController().signal }),
  } as unknown as CatalogueDeps['cities'],
  log,
  referenceFolder: join(import.meta.dirname, '../../reference'),
  now: () => new Date(),
});
await catalogue.importReference();
await catalogue.warmUp();

/** Takes over a file of offers, as JSON. */
async function takeOver(path: string): Promise<{ heldMs: number; outcome: string }> {
  const document = JSON.parse(readFileSync(path, 'utf8')) as unknown;
  listed = Array.isArray(document) ? document : [document];
  // What this process itself read and made for it is nobody's turn.
  await new Promise((resolve) => setTimeout(resolve, 5));
  const held = watchTurns();
  const [outcome] = await catalogue.importCities([city], { force: true });
  return { heldMs: held(), outcome: outcome?.ok ? `${outcome.report.offers} offers` : (outcome?.problem.slice(0, 100) ?? '') };
}

process.on('message', (asked: string) => {
  if (asked === 'slowness') process.send?.(calibrate());
  else void takeOver(asked).then((told) => process.send?.(told));
});
process.on('disconnect', () => {
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
process.send?.('ready');
