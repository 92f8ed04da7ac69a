import { randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { open311SimulatedKey, startOpen311Simulator } from '../adapters/open311/simulator.ts';
import { redmineSimulated, startRedmineSimulator } from '../adapters/redmine/simulator.ts';
import { duesseldorfPortal } from '../sandbox/portals/duesseldorf.ts';
import { portalToken, startPortal } from '../sandbox/portals/portal.ts';
import { startIssuer } from '../sandbox/issuer.ts';
import { serveParent } from './parent.ts';

/*
 * What stands around one hub of the measurement: Düsseldorf, whose back office tells changes; Krefeld, whose back office is asked for the
 * hub's open cases; Neuss, whose back office is away; an issuer of access tokens. Each hub has its own, so that none hears of the others' cases.
 */

/** Environment that connects a hub to them. */
export type Offices = Record<string, string>;

/** Cases of one city that change their status. */
export interface Changing {
  readonly city: 'duesseldorf' | 'krefeld';
  readonly first: number;
  readonly count: number;
  readonly status: string;
}

const krefeld = {
  ars: '051140000000',
  name: 'Krefeld',
  since: '2026-11-01',
  adapters: {
    reports: {
      product: 'open311',
      services: ['*'],
      config: {
        baseUrl: { $env: 'KREFELD_URL' },
        apiKey: { $env: 'KREFELD_KEY' },
        idempotency: 'none',
        status: '/extended_attributes/detailed_status',
        maxBatch: 400,
        pollEveryMs: 200,
      },
      statusMap: { open: 'received', in_progress: 'in_review', waiting: 'action_required', closed: 'closed' },
    },
  },
};

const folder = mkdtempSync(join(tmpdir(), 'staedtebund-bench-cities-'));
cpSync(fileURLToPath(new URL('../cities', import.meta.url)), folder, { recursive: true });
for (const other of ['koeln', 'muenchen']) rmSync(join(folder, `${other}.yaml`));
const file = join(folder, 'duesseldorf.yaml');
const own = readFileSync(file, 'utf8');
writeFileSync(file, own.replace(/pullEveryMs: \d+/, 'pullEveryMs: 500').replace(/^treaties:.*$/m, ''));
writeFileSync(join(folder, 'krefeld.yaml'), JSON.stringify(krefeld));

const [redmine, open311, portal, issuer] = await Promise.all([
  startRedmineSimulator(),
  startOpen311Simulator(),
  startPortal(duesseldorfPortal),
  startIssuer({ cities: [{ id: 'duesseldorf', name: 'Düsseldorf', ars: '051110000000' }], lifetimeSeconds: 24 * 3600 }),
]);
const cases = { duesseldorf: redmine.cases, krefeld: open311.cases };
const contents = { duesseldorf: { issue: { subject: 'prepared' } }, krefeld: { description: 'prepared' } };

const env: Offices = {
  CITIES_DIR: folder,
  DUESSELDORF_URL: redmine.url,
  DUESSELDORF_KEY: redmineSimulated.apiKey,
  DUESSELDORF_PORTAL_URL: portal.url,
  DUESSELDORF_PORTAL_TOKEN: portalToken,
  KREFELD_URL: `${open311.url}/open311/v2`,
  KREFELD_KEY: open311SimulatedKey,
  NEUSS_URL: 'http://127.0.0.1:9',
  NEUSS_KEY: 'nobody listens',
  OIDC_ISSUER: issuer.url,
  OIDC_AUDIENCE: 'staedtebund',
};
serveParent(
  env,
  {
    token: (persona: string) => issuer.token(persona),
    /** Opens cases that came some other way; answers the number of the first. */
    open({ city, count, status }: Omit<Changing, 'first'>): number {
      const ids = Array.from({ length: count }, () => cases[city].create(randomUUID(), status, contents[city]).id);
      return ids[0] ?? 0;
    },
    change({ city, first, count, status }: Changing): void {
      for (let id = first; id < first + count; id += 1) cases[city].setStatus(id, status);
    },
  },
  async () => {
    await Promise.all([redmine.close(), open311.close(), portal.close(), issuer.stop()]);
    rmSync(folder, { recursive: true, force: true });
  },
);
