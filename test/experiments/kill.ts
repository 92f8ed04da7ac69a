import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { redmineSimulated, startRedmineSimulator } from '../../adapters/redmine/simulator.ts';
import { restSimulatedSecret, startRestSimulator } from '../../adapters/rest/simulator.ts';
import type { Simulator } from '../../adapters/simulation/server.ts';
import { startIssuer } from '../../sandbox/issuer.ts';
import { openStore } from '../../src/infra/store/open-store.ts';
import { newPostgresDatabase, newSqliteDatabase } from '../kit/databases.ts';
import { applicant, ask, parkingFormIn, parkingPermit, submitMutation } from '../kit/samples.ts';

/*
 * Does "acknowledged" mean "exactly once in the back office", whatever is killed?
 *
 * Clients submit to a hub over three back offices, one of which drops 5 % of its replies after doing the work, while the hub
 * is killed (kill -9) again and again. A client that gets no answer repeats the same idempotency key until it has one. In
 * the end each back office is counted:  lost = acknowledged, no case;  duplicate = more than one case for a key;
 * phantom = a case that no acknowledged application explains.
 *
 *   node test/experiments/kill.ts [--submissions 2000] [--kills 40] [--store sqlite|postgres|both] [--blind]
 *
 * --blind makes the hub retry without looking, with the back office that drops replies declared unable to look a key up (an
 * adapter that can, looks before it creates): the experiment must then report duplicates, or it proves nothing.
 * PostgreSQL is used where TEST_POSTGRES_URL names a server; --store both without it fails.
 */

const { values } = parseArgs({
  options: {
    submissions: { type: 'string', default: '2000' },
    kills: { type: 'string', default: '40' },
    store: { type: 'string', default: process.env['TEST_POSTGRES_URL'] ? 'both' : 'sqlite' },
    blind: { type: 'boolean', default: false },
  },
});
const submissions = Number(values.submissions);
const kills = Number(values.kills);
const clients = 16;
/** ARS of the cities, in the order of their back offices. */
const places = ['051110000000', '053150000000', '051620024024'];

interface Outcome {
  readonly acknowledged: number;
  readonly lost: number;
  readonly duplicate: number;
  readonly phantom: number;
  readonly undelivered: number;
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

/** The cities' files, but Neuss cannot be asked for a key. */
function withoutLookup(folder: string): string {
  cpSync('cities', folder, { recursive: true });
  const file = join(folder, 'neuss.yaml');
  const text = readFileSync(file, 'utf8');
  const changed = text.replace(/idempotency: \{.*\}/, 'idempotency: none');
  if (changed === text) throw new Error(`${file} has no idempotency to take away`);
  writeFileSync(file, changed);
  return folder;
}

async function run(storeUrl: string, blind: boolean): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'staedtebund-cities-'));
  const backoffices: Record<string, Simulator> = {
    duesseldorf: await startRedmineSimulator({ faults: { delayMs: 10 } }),
    koeln: await startRestSimulator({ dialect: 'antraege', faults: { delayMs: 10 } }),
    neuss: await startRestSimulator({ dialect: 'vorgaenge', faults: { dropReplies: 0.05, delayMs: 10 } }),
  };
  const issuer = await startIssuer();
  const token = await issuer.token('citizen');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    ...process.env,
    NODE_ENV: 'production',
    STORE_URL: storeUrl,
    PORT: String(port),
    LOG_LEVEL: 'silent',
    OIDC_ISSUER: issuer.url,
    OIDC_AUDIENCE: 'staedtebund',
    BLIND: blind ? '1' : '0',
    ...(blind ? { CITIES_DIR: withoutLookup(folder) } : {}),
    DUESSELDORF_URL: backoffices['duesseldorf']!.url,
    DUESSELDORF_KEY: redmineSimulated.apiKey,
    KOELN_URL: backoffices['koeln']!.url,
    KOELN_KEY: restSimulatedSecret,
    KOELN_WEBHOOK_SECRET: 'whsec_a2lsbC1leHBlcmltZW50',
    NEUSS_URL: backoffices['neuss']!.url,
    NEUSS_KEY: restSimulatedSecret,
    // Munich takes part in nothing here; its adapter finds nobody and must not matter.
    MUENCHEN_URL: 'http://127.0.0.1:9',
    MUENCHEN_KEY: restSimulatedSecret,
    // Nor do the portals, which only tell.
    DUESSELDORF_PORTAL_URL: 'http://127.0.0.1:9',
    DUESSELDORF_PORTAL_TOKEN: restSimulatedSecret,
    KOELN_PORTAL_URL: 'http://127.0.0.1:9',
    KOELN_PORTAL_TOKEN: restSimulatedSecret,
  };

  let hub: ChildProcess | null = null;
  const start = async () => {
    hub = spawn(process.execPath, ['test/experiments/hub.ts'], { env, stdio: ['ignore', 'inherit', 'inherit'] });
    for (let tries = 0; tries < 600; tries += 1) {
      if (
        await fetch(`${url}/health/live`).then(
          (response) => response.ok,
          () => false,
        )
      )
        return;
      if (hub.exitCode !== null) throw new Error(`the hub ended with ${hub.exitCode}`);
      await sleep(50);
    }
    throw new Error('the hub did not start within 30 s');
  };
  const kill = async () => {
    const gone = new Promise((resolve) => hub!.once('exit', resolve));
    hub!.kill('SIGKILL');
    await gone;
  };

  const acknowledged = new Map<string, string>(); // idempotency key → application
  let begun = 0;
  let retries = 0;
  const client = async () => {
    while (begun < submissions) {
      const number = begun;
      begun += 1;
      const input = {
        service: parkingPermit,
        place: { ars: places[number % places.length] },
        formRevision: revisions[number % places.length],
        applicant,
        formData: parkingFormIn(places[number % places.length] ?? ''),
        idempotencyKey: randomUUID(),
      };
      for (;;) {
        const id = await submitOnce(url, token, input).catch(() => null);
        if (id) {
          acknowledged.set(input.idempotencyKey, id);
          // Sometimes the answer is lost on its way: the client asks again and must get the same application.
          if (number % 50 === 0) {
            const again = await submitOnce(url, token, input).catch(() => id);
            if (again && again !== id) throw new Error(`${input.idempotencyKey} was filed twice: ${id} and ${again}`);
          }
          break;
        }
        retries += 1;
        await sleep(100);
      }
    }
  };

  await start();
  const revisions = await Promise.all(places.map((ars) => formRevision(url, ars)));
  const working = Promise.all(Array.from({ length: clients }, client));
  let failure: unknown;
  working.catch((error: unknown) => {
    failure = error;
  });
  for (let killed = 0; killed < kills; killed += 1) {
    const next = ((killed + 1) * submissions) / (kills + 1);
    while (acknowledged.size < next && !failure) await sleep(5);
    if (failure) throw failure;
    await sleep(Math.random() * 150);
    await kill();
    process.stdout.write(`\r  killed ${killed + 1}/${kills}, acknowledged ${acknowledged.size}/${submissions}, repeated ${retries}   `);
    await start();
  }
  await working;
  process.stdout.write(`\r  killed ${kills}/${kills}, acknowledged ${acknowledged.size}/${submissions}, repeated ${retries}   \n`);

  const undelivered = await drain(storeUrl);
  hub!.kill('SIGTERM');
  await new Promise((resolve) => hub!.once('exit', resolve));

  const casesByKey = new Map<string, number>();
  const count = (key: string) => casesByKey.set(key, (casesByKey.get(key) ?? 0) + 1);
  for (const { cases } of Object.values(backoffices)) for (const { id, key } of cases.list()) count(key ?? `case ${id} without a key`);
  const ids = new Set(acknowledged.values());
  const outcome = {
    acknowledged: ids.size,
    lost: [...ids].filter((id) => !casesByKey.has(id)).length,
    duplicate: [...casesByKey.values()].filter((count) => count > 1).length,
    phantom: [...casesByKey.keys()].filter((key) => !ids.has(key)).length,
    undelivered,
  };
  await Promise.all([...Object.values(backoffices).map((one) => one.close()), issuer.stop()]);
  rmSync(folder, { recursive: true, force: true });
  return outcome;
}

async function submitOnce(url: string, token: string, input: unknown): Promise<string | null> {
  const answer = await ask<{
    submitApplication: { __typename: string; application?: { receipt: { reference: string } }; message?: string };
  }>(url, submitMutation, { input }, token);
  const result = answer.data?.submitApplication;
  if (result && !result.application) throw new Error(`refused: ${result.__typename} ${result.message ?? ''}`);
  return result?.application?.receipt.reference ?? null;
}

async function formRevision(url: string, ars: string): Promise<string> {
  const answer = await ask<{ municipality: { offer: { form: { revision: string } } } }>(
    url,
    `query ($ars: RegionalKey!, $service: ServiceKey!) { municipality(ars: $ars) { offer(service: $service) { form { revision } } } }`,
    { ars, service: parkingPermit },
  );
  return answer.data!.municipality.offer.form.revision;
}

/** Waits until nothing is queued any more; how many are still not delivered after a minute. */
async function drain(storeUrl: string): Promise<number> {
  const store = await openStore(storeUrl);
  try {
    for (let waited = 0; ; waited += 1) {
      const { open } = await store.db
        .selectFrom('delivery_job')
        .select((select) => select.fn.countAll<number>().as('open'))
        .where('state', '!=', 'done')
        .executeTakeFirstOrThrow();
      if (open === 0 || waited === 120) return open;
      await sleep(500);
    }
  } finally {
    await store.close();
  }
}

/** A store of its own for one run. */
async function withStore<T>(kind: string, use: (url: string) => Promise<T>): Promise<T> {
  const server = process.env['TEST_POSTGRES_URL'];
  if (kind === 'postgres' && !server) throw new Error('TEST_POSTGRES_URL is not set: it names the server for --store postgres');
  const database = kind === 'postgres' && server ? await newPostgresDatabase(server) : newSqliteDatabase();
  try {
    return await use(database.url);
  } finally {
    await database.remove();
  }
}

let failed = false;
for (const kind of values.store === 'both' ? ['sqlite', 'postgres'] : [values.store]) {
  const began = Date.now();
  console.log(`${kind}: ${submissions} submissions, ${kills} × kill -9${values.blind ? ', retrying blindly' : ''}`);
  const outcome = await withStore(kind, (url) => run(url, values.blind));
  console.log(
    `  ${outcome.acknowledged} acknowledged, ${outcome.lost} lost, ${outcome.duplicate} duplicate, ${outcome.phantom} phantom, ${outcome.undelivered} undelivered, ${((Date.now() - began) / 1000).toFixed(0)} s`,
  );
  const clean = outcome.acknowledged === submissions && outcome.lost + outcome.duplicate + outcome.phantom + outcome.undelivered === 0;
  // The control is there to fail: without duplicates it has shown nothing.
  failed ||= values.blind ? outcome.duplicate === 0 : !clean;
}
console.log(failed ? 'NOT as it must be' : 'As it must be');
process.exit(failed ? 1 : 0);
