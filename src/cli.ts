#!/usr/bin/env node
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { Command, Option } from 'commander';
import { adapters } from '../adapters/index.ts';
import { createKeyRules, HubError, inLanguage, spelledAlike, type Language } from '#contract';
import { createApplications, type Release } from './applications/applications.ts';
import { applicationStanding } from './applications/project.ts';
import { createCatalogue } from './catalogue/catalogue.ts';
import { readKnown } from './catalogue/import/known.ts';
import { createCities } from './cities/cities.ts';
import { loadCities } from './cities/load.ts';
import { runChanges } from './cli/changes.ts';
import { runBackup, runRestore, runRestored, type BackupVerb } from './cli/backup.ts';
import { runCheck } from './cli/check.ts';
import type { ConformanceOptions } from './cli/conformance.ts';
import { addDeliveryVerbs } from './cli/delivery-verbs.ts';
import { runDocuments } from './cli/documents.ts';
import { runEvents } from './cli/events.ts';
import { runForm } from './cli/form.ts';
import { putIntoGerman } from './cli/help.ts';
import { runImport } from './cli/import.ts';
import { runNewAdapter } from './cli/new.ts';
import { runParked, runRelease } from './cli/parked.ts';
import { runSubgraphCheck } from './cli/subgraph.ts';
import { runRebuild } from './cli/rebuild.ts';
import { loadConfig } from './config.ts';
import { findKind } from './coordination/kinds.ts';
import { caseProjection } from './coordination/rebuild.ts';
import { createEventCheck } from './events/catalogue.ts';
import { createEvents } from './events/events.ts';
import { newId } from './infra/ids.ts';
import { chosenLanguage } from './infra/language.ts';
import { createLog } from './infra/log.ts';
import { createMetrics } from './infra/metrics.ts';
import { closePorts, openPorts, type Ports } from './infra/open.ts';
import { createEventLog } from './infra/store/eventlog.ts';

/*
 * `staedtebund`: what operators do beside the running hub, on the same store and the same cities' files. Every verb
 * resolves to an exit code: 0 done, 1 a finding or a refusal, 2 wrong use.
 */

const referenceFolder = fileURLToPath(new URL('../reference', import.meta.url));

const out = (line: string): void => console.log(line);
const note = (line: string): void => console.error(line);

interface Common {
  readonly envFile?: string;
  readonly language: Language;
  readonly json?: boolean;
}

function environment({ envFile }: Common): Record<string, string | undefined> {
  const file = envFile ?? (existsSync('.env') ? '.env' : undefined);
  if (file === undefined) return process.env;
  if (!existsSync(file))
    throw new HubError('CONFIG_INVALID', {
      de: `Die Datei ${file} (--env-file) gibt es nicht.`,
      en: `--env-file ${file} does not exist.`,
    });
  return { ...parseEnv(readFileSync(file, 'utf8')), ...process.env };
}

/** The hub's features on its ports, nothing started. */
async function withHub<T>(common: Common, use: (hub: Awaited<ReturnType<typeof open>>) => Promise<T>): Promise<T> {
  const hub = await open(environment(common), common.language);
  try {
    return await use(hub);
  } finally {
    await closePorts(hub.ports);
  }
}

/** The ports alone, for verbs that need neither cities nor the catalogue. */
async function withPorts<T>(common: Common, use: (ports: Ports) => Promise<T>): Promise<T> {
  const { ports } = await openStorePorts(environment(common));
  try {
    return await use(ports);
  } finally {
    await closePorts(ports);
  }
}

async function openStorePorts(env: Record<string, string | undefined>) {
  // These verbs verify no tokens: where the issuer is not set, they do not need it.
  const config = loadConfig({ OIDC_ISSUER: 'https://issuer.invalid', OIDC_AUDIENCE: 'none', ...env });
  const log = createLog('silent');
  // The verbs only read and write the store: bus and cache stay with the running hub.
  const ports = await openPorts({
    storeUrl: config.storeUrl,
    cacheUrl: 'memory:',
    busUrl: 'embedded:',
    log,
    checkEvent: createEventCheck(),
  });
  return { config, log, ports };
}

async function open(env: Record<string, string | undefined>, language: Language) {
  const { config, log, ports } = await openStorePorts(env);
  const metrics = createMetrics();
  const { store, eventLog, cache } = ports;
  const now = () => new Date();
  const development = env['NODE_ENV'] === 'development';
  const loaded = await loadCities({
    folder: config.citiesDir,
    adapters,
    env,
    literalSecrets: development,
    admission: development ? 'noted' : 'required',
    known: await readKnown(referenceFolder),
  });
  const wrong = new Set(loaded.complaints.map(({ file }) => file));
  const keys = createKeyRules();
  const cities = createCities({ connected: loaded.cities, cache, log, metrics, now, keys });
  const catalogue = await createCatalogue({ store, eventLog, cities, keys, log, now, referenceFolder });
  const applications = createApplications({ store, eventLog, catalogue, cities, log, metrics, now, processId: newId() });
  const webhooks = new Map(loaded.cities.flatMap(({ city, webhook }) => (webhook ? [[city.id, webhook] as const] : [])));
  const events = createEvents({ store, eventLog, bus: ports.bus, cities, keys, webhooks, log, metrics, now });
  /** For verbs that act on cities: those whose files are wrong are not there. */
  const noteWrongFiles = () => {
    if (wrong.size > 0) note(wrongFiles[language]([...wrong].join(', ')));
  };
  return { ports, cities, catalogue, applications, events, noteWrongFiles };
}

const wrongFiles = {
  DE: (files: string) => `Außer Betracht, weil fehlerhaft: ${files}. Was fehlt, sagt: staedtebund check`,
  EN: (files: string) => `Left out because they are wrong: ${files}. What is missing: staedtebund check`,
} as const;

export const program = new Command('staedtebund')
  .description('Operate a Städtebund hub: check cities, import catalogues, release parked applications, read events.')
  .option('--env-file <file>', 'read environment variables from this file (default: .env if it exists)')
  .addOption(new Option('--language <language>', 'language of texts').choices(['DE', 'EN']).default('DE'))
  .showHelpAfterError()
  .exitOverride();

const projections = [applicationStanding, caseProjection(findKind)];
const common = (): Common => program.opts<Common>();
const noteIn = (de: string, en: string): void => note(inLanguage({ de, en }, common().language));
const verb = (name: string, description: string): Command => program.command(name).description(description).exitOverride();

verb('check', "check every city's file and, read-only, every connection")
  .option('--offline', 'only read the files')
  .option('--json', 'one JSON document')
  .action(async (options: { offline?: boolean; json?: boolean }) => {
    const env = environment(common());
    const folder = env['CITIES_DIR'] ?? './cities';
    process.exitCode = await runCheck(
      {
        folder,
        referenceFolder,
        subgraphs: env['SUBGRAPHS_DIR'] ?? './subgraphs',
        adapters,
        env,
        language: common().language,
        development: env['NODE_ENV'] === 'development',
        ...options,
      },
      out,
    );
  });

verb('conformance [adapter]', 'prove that an adapter (a product, or the path of its module) keeps the contract')
  .option('--config <file>', "a city's file with the adapter's config")
  .option('--adapter <name>', "which of the file's adapters, if several are of this product")
  .option('--samples <file>', 'what the back office takes and refuses, and how to see what it did')
  .option('--waivers <file>', 'checks for which somebody takes responsibility until a day')
  .option('--only <ids...>', 'only these checks; * stands for anything')
  .addOption(new Option('--tier <tier>', 'against what it runs').choices(['kit', 'live']).default('kit'))
  .addOption(new Option('--report <format>', 'format of the report').choices(['text', 'json', 'html', 'junit']).default('text'))
  .option('--out <file>', 'write the report into this file')
  .option('--shipped', 'the adapters that ship with the hub, against their simulators; renews their reports')
  .action(async (adapter: string | undefined, options: Omit<ConformanceOptions, 'adapter' | 'name'> & { adapter?: string }) => {
    // Loaded only here: the kit's back offices bring servers of other products with them.
    const { runConformanceVerb } = await import('./cli/conformance.ts');
    const { adapter: name, ...rest } = options;
    process.exitCode = await runConformanceVerb(
      { ...rest, adapter, name, adapters, env: environment(common()), language: common().language },
      { out, note },
    );
    // An adapter that leaves a socket or a timer must not keep the kit alive: that is one of its findings.
    process.stdout.write('', () => process.exit());
  });

verb('import', "import reference records and cities' catalogues; repeating it changes nothing")
  .option('--city <id or ARS>', 'only this city')
  .addOption(new Option('--format <format>', "format of the files, instead of the city's own").choices(['offers', 'dldb']))
  .option('--offers <file>', 'format offers: the offers')
  .option('--services <file>', 'format dldb: the services')
  .option('--locations <file>', 'format dldb: the locations')
  .option('--authorities <file>', 'format dldb: the authorities, if services name theirs by id')
  .option('--forms <file>', 'format dldb: forms by service id')
  .option('--dry-run', 'say what would change, change nothing')
  .option('--force', "also take a listing that loses many of a city's offers (more than half, of 20 or more a fifth)")
  .option('--json', 'one JSON document')
  .action(
    async (options: { city?: string; format?: string; dryRun?: boolean; force?: boolean; json?: boolean } & Record<string, unknown>) => {
      const parts = Object.fromEntries(
        ['offers', 'services', 'locations', 'authorities', 'forms'].flatMap((part) =>
          typeof options[part] === 'string' ? [[part, options[part]]] : [],
        ),
      );
      const { city, format, dryRun, force, json } = options;
      process.exitCode = await withHub(common(), async ({ catalogue, cities, noteWrongFiles }) => {
        noteWrongFiles();
        const files = format ? { format, parts } : undefined;
        const asked = files ? [] : cities.list().filter((one) => one.catalogue && 'adapter' in one.catalogue);
        const named = asked.filter(({ id, ars }) => city === undefined || city === id || spelledAlike(ars, city)).map(({ id }) => id);
        if (named.length > 0) await cities.start(named);
        try {
          return await runImport({ catalogue, cities: cities.list(), city, files, dryRun, force, json, language: common().language }, out);
        } finally {
          if (named.length > 0) await cities.stop();
        }
      });
    },
  );

verb('form <file>', 'show the form that a data schema in XDatenfelder becomes, and what it cannot check')
  .option('--code-lists <folder>', 'code lists in Genericode (default: codelists beside the file)')
  .option('--json', 'one JSON document')
  .action(async (file: string, options: { codeLists?: string; json?: boolean }) => {
    process.exitCode = await runForm({ file, ...options, language: common().language }, out, note);
  });

verb('subgraph <name>', 'check a subgraph as the hub would before it takes it in; changes nothing')
  .option('--url <url>', 'its endpoint; asked for the SDL if no file holds it')
  .option('--sdl <file>', 'its SDL')
  .option('--grant <names...>', 'fields (Type.field) it may take over, entities it may extend')
  .action(async (name: string, options: { url?: string; sdl?: string; grant?: string[] }) => {
    process.exitCode = await runSubgraphCheck({ name, ...options, language: common().language }, out);
  });

verb('documents <files...>', 'register GraphQL documents: check them and write hash → document as JSON')
  .option('--out <file>', 'where to; standard output if absent')
  .option('--schema <file>', 'SDL to check them against, if they ask subgraphs too (default: the hub alone)')
  .action((files: string[], options: { out?: string; schema?: string }) => {
    process.exitCode = runDocuments(files, options, out);
  });

verb('parked', 'list applications that wait for a person')
  .option('--json', 'one JSON document')
  .action(async (options: { json?: boolean }) => {
    process.exitCode = await withHub(common(), ({ applications }) => runParked(applications, { ...common(), ...options }, out));
  });

verb('release <id>', 'decide about a parked application')
  .option('--retry', 'nothing landed in the back office: deliver again')
  .option('--delivered <case>', "it is there, under this id of the back office's")
  .option('--number <number>', 'with --delivered: the case number citizens see')
  .option('--discard', 'it will never be delivered')
  .action(async (id: string, options: { retry?: boolean; delivered?: string; number?: string; discard?: boolean }) => {
    const decisions: Release[] = [
      ...(options.retry ? [{ action: 'retry' } as const] : []),
      ...(options.delivered
        ? [{ action: 'delivered' as const, caseRef: options.delivered, ...(options.number ? { caseNumber: options.number } : {}) }]
        : []),
      ...(options.discard ? [{ action: 'discard' } as const] : []),
    ];
    const [decision] = decisions;
    if (!decision || decisions.length > 1) {
      noteIn('Genau eines von --retry, --delivered <Vorgang> und --discard.', 'Exactly one of --retry, --delivered <case> and --discard.');
      process.exitCode = 2;
      return;
    }
    process.exitCode = await withHub(common(), ({ applications, noteWrongFiles }) => {
      noteWrongFiles();
      return runRelease(applications, id, decision, common(), out);
    });
  });

verb('changes [city] [adapter]', 'where the pulls of changes stand, and which records were set aside; sets one back')
  .option('--since <moment>', 'the next pull begins at this moment, for example 2026-11-30T08:00:00Z')
  .option('--from-beginning', 'the next pull begins anew; what took effect takes none again')
  .option('--json', 'one JSON document')
  .action(
    async (city: string | undefined, adapter: string | undefined, options: { since?: string; fromBeginning?: boolean; json?: boolean }) => {
      const { since, fromBeginning, json } = options;
      const moment = since === undefined ? undefined : new Date(since);
      const isChange = moment !== undefined || fromBeginning === true;
      if ((moment && Number.isNaN(moment.getTime())) || (moment && fromBeginning) || (isChange && adapter === undefined)) {
        noteIn(
          'Zum Zurücksetzen: Stadt, Adapter und genau eines von --since <Zeitpunkt> und --from-beginning.',
          'To set back: city, adapter and exactly one of --since <moment> and --from-beginning.',
        );
        process.exitCode = 2;
        return;
      }
      const asked = { ...(city === undefined ? {} : { city }), ...(adapter === undefined ? {} : { adapter }) };
      const place = { ...(moment ? { since: moment } : {}), ...(fromBeginning ? { fromBeginning } : {}), ...(json ? { json } : {}) };
      process.exitCode = await withHub(common(), ({ applications, noteWrongFiles }) => {
        noteWrongFiles();
        return runChanges(applications, { ...asked, ...place, language: common().language }, { out, note });
      });
    },
  );

const eventsVerb = verb('events', 'print events as CloudEvents, one JSON per line')
  .option('--follow', 'go on with what comes')
  .option('--after <sequence>', 'begin after this place in the log', '0')
  .action(async (options: { follow?: boolean; after: string }) => {
    const after = Number(options.after);
    if (!Number.isSafeInteger(after) || after < 0) {
      noteIn(
        `--after ${options.after}: eine ganze Zahl, die Folgenummer des letzten Ereignisses, das Sie haben.`,
        `--after ${options.after}: a whole number, the sequence of the last event you have.`,
      );
      process.exitCode = 2;
      return;
    }
    const abort = new AbortController();
    process.once('SIGINT', () => abort.abort()).once('SIGTERM', () => abort.abort());
    process.exitCode = await withHub(common(), ({ ports }) =>
      runEvents(ports.eventLog, { after, follow: options.follow ?? false, signal: abort.signal }, out),
    );
  });

addDeliveryVerbs(
  { events: eventsVerb, trace: verb('trace <id>', 'what happened to an application, a case or an event: who did what where') },
  async (run) => {
    process.exitCode = await withHub(common(), ({ applications, events, cities, noteWrongFiles }) => {
      noteWrongFiles();
      return run({ applications, events, cities, language: common().language, out, note });
    });
  },
);

verb('rebuild [projection]', 'make what the store keeps of the event log again from it: applications, cases')
  .option('--check', 'only compare; change nothing')
  .option('--json', 'one JSON document per projection')
  .action(async (projection: string | undefined, options: { check?: boolean; json?: boolean }) => {
    process.exitCode = await withPorts(common(), (ports) =>
      runRebuild(
        ports,
        projections,
        { ...options, ...(projection === undefined ? {} : { projection }), language: common().language },
        { out, note },
      ),
    );
  });

/** The store by its URL alone: a backup is made of it as it is, and one that does not open can be replaced. */
const backupVerb = (): BackupVerb => ({
  storeUrl: loadConfig({ OIDC_ISSUER: 'https://issuer.invalid', OIDC_AUDIENCE: 'none', ...environment(common()) }).storeUrl,
  env: environment(common()),
  language: common().language,
  now: () => new Date(),
  projections,
  openEventLog: createEventLog,
  out,
  note,
});

verb('backup <file>', 'write the store into a file while the hub runs; a file of that name is replaced once the new one is whole').action(
  async (file: string) => {
    process.exitCode = await runBackup(backupVerb(), file);
  },
);

verb('restore <file>', 'put a backup in the place of the store; the hub must not run')
  .option('--verify', 'only look the backup through; change nothing')
  .action(async (file: string, options: { verify?: boolean }) => {
    process.exitCode = await runRestore(backupVerb(), file, options);
  });

verb('restored', 'say that the store was restored by other means: what is open is looked for before it is sent again').action(async () => {
  process.exitCode = await runRestored(backupVerb());
});

verb('new', 'begin something of your own')
  .command('adapter <name>')
  .description('write an adapter that works, to be changed into yours')
  .option('--dir <folder>', 'its folder (default: adapters/<name> in a checkout of the hub, else <name>)')
  .exitOverride()
  .action((name: string, options: { dir?: string }) => {
    process.exitCode = runNewAdapter({ name, cwd: process.cwd(), language: common().language, ...options }, out);
  });

if (chosenLanguage(process.argv, process.env) === 'DE') putIntoGerman(program);

try {
  await program.parseAsync();
} catch (error) {
  // commander has already said what is wrong with the call.
  if (error instanceof Error && error.name === 'CommanderError') process.exitCode = 'exitCode' in error && error.exitCode === 0 ? 0 : 2;
  else if (error instanceof HubError) {
    note(`${error.code}: ${inLanguage(error.said, common().language)}`);
    process.exitCode = error.code === 'CONFIG_INVALID' ? 2 : 1;
  } else if (error instanceof Error && 'path' in error && 'code' in error) {
    const [file, code] = [String(error.path), String(error.code)];
    noteIn(`${file}: Diese Datei lässt sich nicht verwenden (${code}).`, `${file}: this file cannot be used (${code}).`);
    process.exitCode = 2;
  } else throw error;
}
