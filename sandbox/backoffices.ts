import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { redmineSimulated, startRedmineSimulator } from '../adapters/redmine/simulator.ts';
import { restSimulatedSecret, startRestSimulator } from '../adapters/rest/simulator.ts';
import { duesseldorfPortal } from './portals/duesseldorf.ts';
import { koelnPortal } from './portals/koeln.ts';
import { portalToken, startPortal } from './portals/portal.ts';

/** The sandbox's simulated back offices, running. */
export interface Backoffices {
  /** Values for the `$env` references in the cities' files. */
  readonly env: Record<string, string>;
  /** Tells the back offices that notify where the hub listens: `<hub's URL>/hooks/<city>/<adapter>`. */
  notify(hubUrl: string): void;
  close(): Promise<void>;
}

export interface BackofficesOptions {
  /** After how long each case goes one status on, in milliseconds. @default 8000 */
  readonly processAfterMs?: number;
  /** Keeps their cases in this folder over restarts, as the hub keeps its applications. @default in memory */
  readonly folder?: string;
}

const KOELN_WEBHOOK_SECRET = 'whsec_c2FuZGJveC1rb2Vsbi13ZWJob29r';

/** Starts one simulated back office for each city of the sandbox, and two cities' portals, on free loopback ports. */
export async function startBackoffices({ processAfterMs = 8_000, folder }: BackofficesOptions = {}): Promise<Backoffices> {
  if (folder !== undefined) mkdirSync(folder, { recursive: true });
  const options = (city: string) => ({ processAfterMs, ...(folder === undefined ? {} : { file: join(folder, `${city}.json`) }) });
  const [duesseldorf, koeln, neuss, muenchen, portalDuesseldorf, portalKoeln] = await Promise.all([
    startRedmineSimulator(options('duesseldorf')),
    startRestSimulator({ dialect: 'antraege', ...options('koeln') }),
    startRestSimulator({ dialect: 'vorgaenge', ...options('neuss') }),
    startRestSimulator({ dialect: 'cases', ...options('muenchen') }),
    startPortal(duesseldorfPortal),
    startPortal(koelnPortal),
  ]);
  return {
    env: {
      DUESSELDORF_URL: duesseldorf.url,
      DUESSELDORF_KEY: redmineSimulated.apiKey,
      DUESSELDORF_PORTAL_URL: portalDuesseldorf.url,
      DUESSELDORF_PORTAL_TOKEN: portalToken,
      KOELN_URL: koeln.url,
      KOELN_KEY: restSimulatedSecret,
      KOELN_WEBHOOK_SECRET,
      KOELN_PORTAL_URL: portalKoeln.url,
      KOELN_PORTAL_TOKEN: portalToken,
      NEUSS_URL: neuss.url,
      NEUSS_KEY: restSimulatedSecret,
      MUENCHEN_URL: muenchen.url,
      MUENCHEN_KEY: restSimulatedSecret,
    },
    notify: (hubUrl) => koeln.setWebhook({ url: `${hubUrl}/hooks/koeln/cases`, secret: KOELN_WEBHOOK_SECRET }),
    async close() {
      await Promise.all([duesseldorf, koeln, neuss, muenchen, portalDuesseldorf, portalKoeln].map((one) => one.close()));
    },
  };
}
