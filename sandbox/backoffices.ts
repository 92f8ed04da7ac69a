import { redmineSimulated, startRedmineSimulator } from '../adapters/redmine/simulator.ts';
import { restSimulatedSecret, startRestSimulator } from '../adapters/rest/simulator.ts';

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
}

const KOELN_WEBHOOK_SECRET = 'whsec_c2FuZGJveC1rb2Vsbi13ZWJob29r';

/** Starts one simulated back office for each city of the sandbox, on free loopback ports. */
export async function startBackoffices({ processAfterMs = 8_000 }: BackofficesOptions = {}): Promise<Backoffices> {
  const [duesseldorf, koeln, neuss, muenchen] = await Promise.all([
    startRedmineSimulator({ processAfterMs }),
    startRestSimulator({ dialect: 'antraege', processAfterMs }),
    startRestSimulator({ dialect: 'vorgaenge', processAfterMs }),
    startRestSimulator({ dialect: 'cases', processAfterMs }),
  ]);
  return {
    env: {
      DUESSELDORF_URL: duesseldorf.url,
      DUESSELDORF_KEY: redmineSimulated.apiKey,
      KOELN_URL: koeln.url,
      KOELN_KEY: restSimulatedSecret,
      KOELN_WEBHOOK_SECRET,
      NEUSS_URL: neuss.url,
      NEUSS_KEY: restSimulatedSecret,
      MUENCHEN_URL: muenchen.url,
      MUENCHEN_KEY: restSimulatedSecret,
    },
    notify: (hubUrl) => koeln.setWebhook({ url: `${hubUrl}/hooks/koeln/cases`, secret: KOELN_WEBHOOK_SECRET }),
    async close() {
      await Promise.all([duesseldorf, koeln, neuss, muenchen].map((one) => one.close()));
    },
  };
}
