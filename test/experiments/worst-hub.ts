import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { duesseldorfPortal } from '../../sandbox/portals/duesseldorf.ts';
import { koelnPortal } from '../../sandbox/portals/koeln.ts';
import { portalToken, startPortal } from '../../sandbox/portals/portal.ts';
import { startTestHub } from '../kit/hub.ts';
import { calibrate } from '../kit/worst.ts';
import type { OperationLimits } from '../../src/gateway/limits.ts';

/*
 * The hub that the search for the worst question asks, in a process of its own: it says what CPU it has used and how slow its machine is. The
 * sandbox's four cities; two of them answer live fields, in this process too, so that what they cost counts.
 */
const [portals, limits] = [
  await Promise.all([startPortal(duesseldorfPortal), startPortal(koelnPortal)]),
  // JSON has no Infinity.
  Object.fromEntries((process.argv[2] ?? '').split(',').flatMap((name) => (name ? [[name, Infinity]] : []))) as OperationLimits,
];
const [duesseldorf, koeln] = portals;
const citiesDir = join(import.meta.dirname, '../../cities');
/** A city of the sandbox as its file says, wherever it is written to. */
const cityOf = (id: string): object =>
  parse(readFileSync(join(citiesDir, `${id}.yaml`), 'utf8').replaceAll(/(?<=[ [])\.\/(?=\w)/g, `${citiesDir}/`)) as object;
const away = 'http://127.0.0.1:9';
const names = ['duesseldorf', 'koeln', 'muenchen', 'neuss'];

const hub = await startTestHub({
  cities: Object.fromEntries(names.map((id) => [id, cityOf(id)])),
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
  gateway: { rateLimit: null, operations: limits },
});

process.on('message', (asked: 'cpu' | 'slowness' | 'end') => {
  if (asked === 'end') void hub.close().then(() => process.exit(0));
  else if (asked === 'slowness') process.send?.(calibrate());
  else {
    const { user, system } = process.cpuUsage();
    process.send?.(user + system);
  }
});
process.on('disconnect', () => process.exit(0));
process.send?.(hub.url);
