import { createHmac } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { adapters } from '../adapters/index.ts';
import { HubError, inLanguage } from '#contract';
import { readKnown } from './catalogue/import/known.ts';
import { loadCities } from './cities/load.ts';
import { complaintText } from './cities/load/complaint.ts';
import { loadConfig } from './config.ts';
import { createEventCheck } from './events/catalogue.ts';
import { plugInFiles } from './federation/plug-in-files.ts';
import { createHub, type Hub, type HubOptions } from './hub.ts';
import { createClaimsIssuer } from './identity/claims-issuer.ts';
import { createIdentity } from './identity/oidc.ts';
import { besideStore, readOrMakeKey } from './infra/key-file.ts';
import { chosenLanguage } from './infra/language.ts';
import { createLog, type Log } from './infra/log.ts';
import { createMetrics } from './infra/metrics.ts';
import { closePorts, openPorts } from './infra/open.ts';

/** A hub that listens. */
export interface RunningHub extends Hub {
  readonly url: string;
  readonly log: Log;
  /** Takes nothing more, finishes what is under way, closes the ports. */
  close(): Promise<void>;
}

/** What a host may set beyond the environment; tests and the sandbox do. */
export interface StartOptions extends Pick<
  HubOptions,
  'applications' | 'coordination' | 'events' | 'federation' | 'gateway' | 'now' | 'refresh'
> {
  /** Where log lines go. @default standard output */
  readonly logTo?: Writable;
}

/**
 * The hub as one process: environment → config → ports → cities → hub → listen.
 * @throws HubError CONFIG_INVALID, STORE_UNAVAILABLE, STORE_SCHEMA_UNKNOWN
 */
export async function startHub(env: Readonly<Record<string, string | undefined>>, options: StartOptions = {}): Promise<RunningHub> {
  const config = loadConfig(env);
  const { logTo, ...hubOptions } = options;
  const log = createLog(config.logLevel, logTo);
  const metrics = createMetrics({ process: true });
  const source = config.publicUrl === null ? {} : { source: config.publicUrl };
  const ports = await openPorts({ ...config, log, metrics, checkEvent: createEventCheck(), ...source });
  try {
    const development = env['NODE_ENV'] === 'development';
    const referenceFolder = fileURLToPath(new URL('../reference', import.meta.url));
    const { cities, complaints, notes } = await loadCities({
      folder: config.citiesDir,
      adapters,
      env,
      literalSecrets: development,
      admission: development ? 'noted' : 'required',
      known: await readKnown(referenceFolder),
    });
    // A mistake in one city's file keeps that city out, not the others.
    for (const complaint of complaints) log.error({ file: complaint.file, line: complaint.line }, complaintText(complaint, 'EN'));
    for (const note of notes) log.warn({ file: note.file, line: note.line }, complaintText(note, 'EN'));
    const { issuer, audience, jwksUrl } = config.oidc;
    const keyFile = besideStore(config.storeUrl, 'facts.key');
    const factsKey = config.factsKey ?? (keyFile === null ? null : readOrMakeKey(keyFile));
    if (factsKey === null) log.warn('FACTS_KEY is not set: what partner cities must know of a person is not kept');
    const hub = await createHub({
      ...hubOptions,
      ports,
      connected: cities,
      identity: createIdentity({ issuer, audience, jwksUrl: jwksUrl ?? undefined }),
      claims: await createClaimsIssuer({
        issuer: config.publicUrl ?? `http://${config.host}:${config.port}`,
        ...(config.claimsKey === null ? {} : { key: config.claimsKey }),
      }),
      log,
      metrics,
      factsKey,
      referenceFolder,
      events: { development, ...source, ...options.events },
      gateway: {
        mostBytes: config.bodyLimitBytes,
        behindProxy: config.behindProxy,
        playground: config.graphiql,
        operationsToken: config.operationsToken,
        // Processes that share this key and a cache count callers together.
        ...(config.claimsKey === null
          ? {}
          : { rateLimit: { secret: createHmac('sha256', config.claimsKey).update('callers').digest('hex') } }),
        persisted: config.persisted,
        ...(config.publicUrl ? { publicUrl: config.publicUrl } : {}),
        ...options.gateway,
      },
    });
    await hub.start();
    const plugging = await plugInFiles({ federation: hub.federation, folder: config.subgraphsDir, env, log });
    await new Promise<void>((resolve, reject) => {
      hub.gateway.server.once('error', (cause: NodeJS.ErrnoException) =>
        reject(
          new HubError(
            'CONFIG_INVALID',
            {
              de: `Auf ${config.host}:${config.port} lässt sich nicht lauschen (${cause.code}): Setzen Sie PORT oder HOST auf etwas Freies.`,
              en: `Cannot listen on ${config.host}:${config.port} (${cause.code}): set PORT or HOST to a free one.`,
            },
            { cause },
          ),
        ),
      );
      hub.gateway.server.listen(config.port, config.host, resolve);
    });
    const { port } = hub.gateway.server.address() as AddressInfo;
    const url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`;
    log.info({ url, cities: cities.length, store: ports.store.dialect, bus: ports.bus.kind }, 'the hub listens');
    let closed: Promise<void> | undefined;
    return {
      ...hub,
      url,
      log,
      close: () =>
        (closed ??= plugging
          .stop()
          .then(() => hub.stop(config.shutdownGraceMs))
          .then(() => closePorts(ports))),
    };
  } catch (error) {
    await closePorts(ports);
    throw error;
  }
}

/** Runs until the process is told to stop; a second signal does not wait. */
export async function runUntilStopped(start: () => Promise<{ close(): Promise<void> }>): Promise<void> {
  try {
    const running = await start();
    const stop = () => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, stop).once(signal, () => process.exit(1));
      running.close().then(
        () => process.exit(0),
        (error: unknown) => {
          console.error(error instanceof Error ? error.message : error);
          process.exit(1);
        },
      );
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  } catch (error) {
    // An expected refusal is told in one sentence; anything else with its stack.
    const language = chosenLanguage(process.argv, process.env);
    console.error(error instanceof HubError ? `${error.code}: ${inLanguage(error.said, language)}` : error);
    process.exit(1);
  }
}

if (import.meta.main) await runUntilStopped(() => startHub(process.env));
