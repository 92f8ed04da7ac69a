import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { duesseldorfPortal } from '../../sandbox/portals/duesseldorf.ts';
import { koelnPortal } from '../../sandbox/portals/koeln.ts';
import { portalToken, startPortal } from '../../sandbox/portals/portal.ts';
import { takeAway } from '../kit/limits.ts';
import { calibrate } from '../kit/quiet.ts';
import { watchTurns } from '../kit/turns.ts';

/*
 * The hub that the search for the worst question asks, in a process of its own: it says what CPU it has used and how slow its machine is. The
 * sandbox's four cities; two of them answer live fields, in this process too, so that what they cost counts.
 *
 *   node worst-hub.ts [<limit that is taken away>]
 */
takeAway(process.argv.slice(2));
// Loaded once the limits are gone.
const { startTestHub } = await import('../kit/hub.ts');
const [duesseldorf, koeln] = await Promise.all([startPortal(duesseldorfPortal), startPortal(koelnPortal)]);
const citiesDir = join(import.meta.dirname, '../../cities');
/** A city of the sandbox as its file says, wherever it is written to. */
const cityOf = (id: string): object =>
  parse(readFileSync(join(citiesDir, `${id}.yaml`), 'utf8').replaceAll(/(?<=[ [])\.\/(?=\w)/g, `${citiesDir}/`)) as object;
const away = 'http://127.0.0.1:9';

/** Of an offer: src/catalogue/import/offer-shape.ts. */
const longest = { name: 2000, summary: 2000, label: 2000, document: 2000, fees: 20, documents: 20 };

/** A city with as much in its catalogue as a file of offers may hold of each: texts, lists, and one large form for all. */
function talkative(): object {
  const folder = mkdtempSync(join(tmpdir(), 'staedtebund-worst-'));
  const text = (length: number) => 'Bewohnerparkausweis für Anwohnerinnen und Anwohner der Innenstadt '.repeat(40).slice(0, length);
  const field = (index: number) => [`field${index}`, { type: 'string', title: `Feld ${index}`, description: text(200) }];
  const form = { type: 'object', properties: Object.fromEntries(Array.from({ length: 1800 }, (_, index) => field(index))) };
  writeFileSync(join(folder, 'form.json'), JSON.stringify(form));
  const offers = Array.from({ length: 80 }, (_, index) => ({
    localKey: `offer-${index}`,
    serviceKey: index === 0 ? '99108001001000' : null,
    name: { de: `${text(longest.name - 10)} ${index}` },
    summary: { de: text(longest.summary) },
    authority: { name: text(longest.name), street: text(longest.name), town: text(longest.name) },
    channels: ['ONLINE', 'OFFICE'],
    maturityLevel: 3,
    fees: Array.from({ length: longest.fees }, (_, cents) => ({ cents, currency: 'EUR', label: { de: text(longest.label) } })),
    requiredDocuments: Array.from({ length: longest.documents }, () => ({ de: text(longest.document) })),
    form: 'form.json',
  }));
  writeFileSync(join(folder, 'offers.yaml'), JSON.stringify({ source: 'none', asOf: '2026-12-01', offers }));
  return {
    ars: '064120000000',
    name: 'Frankfurt am Main',
    since: '2026-11-01',
    catalogue: { format: 'offers', files: { offers: join(folder, 'offers.yaml') } },
    adapters: {},
  };
}
const names = ['duesseldorf', 'koeln', 'muenchen', 'neuss'];

const hub = await startTestHub({
  cities: { ...Object.fromEntries(names.map((id) => [id, cityOf(id)])), frankfurt: talkative() },
  env: {
    // Nothing is submitted: their back offices are away.
    ...Object.fromEntries(
      names.flatMap((id) => [
        [`${id.toUpperCase()}_URL`, away],
        [`${id.toUpperCase()}_KEY`, 'not-a-secret'],
      ]),
    ),
    KOELN_WEBHOOK_SECRET: 'whsec_bm90LWEtc2VjcmV0LW5vdC1hLXNlY3JldA==',
    DUESSELDORF_PORTAL_URL: duesseldorf.url,
    DUESSELDORF_PORTAL_TOKEN: portalToken,
    KOELN_PORTAL_URL: koeln.url,
    KOELN_PORTAL_TOKEN: portalToken,
  },
  gateway: { rateLimit: null },
});

/** What the hub is asked about itself. */
type Asked = 'cpu' | 'slowness' | 'watch' | 'held' | 'token';

let held = (): number => 0;

async function answer(asked: Asked): Promise<number | string> {
  switch (asked) {
    case 'cpu': {
      const { user, system } = process.cpuUsage();
      return user + system;
    }
    case 'slowness':
      return calibrate();
    case 'watch':
      held = watchTurns();
      return 0;
    case 'held':
      return held();
    case 'token':
      return hub.issuer.token('citizen-eid', 86_400);
  }
}

process.on('message', (asked: Asked) => void answer(asked).then((told) => process.send?.(told)));
process.on('disconnect', () => void hub.close().then(() => process.exit(0)));
process.send?.(hub.url);
