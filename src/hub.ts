import { createKeyRules } from '#contract';
import { createApplications, type Applications, type ApplicationsOptions } from './applications/applications.ts';
import { createCatalogue, type Catalogue, type CatalogueDeps } from './catalogue/catalogue.ts';
import type { Refresh } from './catalogue/refresh.ts';
import { createCities, type Cities, type ConnectedCity } from './cities/cities.ts';
import { createCoordination, type Coordination, type CoordinationOptions } from './coordination/coordination.ts';
import { kinds } from './coordination/kinds.ts';
import { createMarking, createMarkPlaces } from './coordination/marks.ts';
import { createSeal } from './coordination/seal.ts';
import { createEvents, type Events, type EventsOptions } from './events/events.ts';
import { createRelay } from './events/relay.ts';
import { createFederation, type Federation, type FederationOptions } from './federation/federation.ts';
import { createRows } from './federation/rows/rows.ts';
import { createHubPart } from './gateway/hub-part.ts';
import { createSchema } from './gateway/schema.ts';
import { createGateway, type Gateway, type GatewaySettings } from './gateway/gateway.ts';
import type { ClaimsIssuer } from './identity/claims-issuer.ts';
import type { Identity } from './identity/identity.ts';
import { newId } from './infra/ids.ts';
import type { Log } from './infra/log.ts';
import type { Metrics } from './infra/metrics.ts';
import type { Ports } from './infra/open.ts';
import { followLog, type Follower } from './infra/store/follow.ts';

export interface HubOptions {
  readonly ports: Ports;
  readonly connected: readonly ConnectedCity[];
  readonly identity: Identity;
  /** Tells cities of callers what they need to know. */
  readonly claims: ClaimsIssuer;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Folder of the reference records that are shipped with the hub. */
  readonly referenceFolder: string;
  readonly gateway?: GatewaySettings;
  readonly applications?: Pick<ApplicationsOptions, 'retry' | 'timing' | 'retryBlindly'>;
  /** How events to cities are paced, and where they may go. */
  readonly events?: Pick<EventsOptions, 'policy' | 'timing' | 'development' | 'source'>;
  /** How often deadlines of cases are checked. */
  readonly coordination?: Pick<CoordinationOptions, 'timing'>;
  /** Seals what partner cities must know of a person; null: nothing is kept. */
  readonly factsKey: string | null;
  /** How documents over subgraphs are answered. */
  readonly federation?: Pick<FederationOptions, 'engine'>;
  /** How often catalogues of adapters are refreshed. */
  readonly refresh?: CatalogueDeps['refresh'];
  /** @default the clock */
  readonly now?: () => Date;
}

export interface Hub {
  readonly catalogue: Catalogue;
  readonly cities: Cities;
  readonly applications: Applications;
  readonly coordination: Coordination;
  readonly events: Events;
  readonly federation: Federation;
  readonly gateway: Gateway;
  /**
   * Brings the catalogue up to date from files, then starts cities, the catalogues they list, deliveries, tracking and relay;
   * the gateway's server is the host's to open.
   */
  start(): Promise<void>;
  /** Lets requests and attempts under way finish, then stops everything that start began. The ports stay open. */
  stop(graceMs: number): Promise<void>;
}

/** Wires the features to their ports. No rule lives here. */
export async function createHub(options: HubOptions): Promise<Hub> {
  const { ports, connected, identity, claims, log, metrics } = options;
  const { store, eventLog, cache, bus } = ports;
  const now = options.now ?? (() => new Date());
  // One object for all: the catalogue teaches it what it knows.
  const keys = createKeyRules();
  const cities = createCities({ connected, cache, log, metrics, now, keys });
  const catalogue = await createCatalogue({
    store,
    eventLog,
    cities,
    keys,
    log,
    now,
    referenceFolder: options.referenceFolder,
    ...(options.refresh ? { refresh: options.refresh } : {}),
  });
  const seal = options.factsKey === null ? null : createSeal(options.factsKey);
  const markPlacesOf = createMarkPlaces({ catalogue, cities, kinds });
  const applications = createApplications({
    ...options.applications,
    marksOf: (offer, asked) => markPlacesOf(offer, asked).marks,
    ...(seal ? { digest: (text: string) => seal.pseudonym(text) } : {}),
    onSubmission: createMarking({ catalogue, cities, kinds, seal }),
    store,
    eventLog,
    catalogue,
    cities,
    log,
    metrics,
    processId: newId(),
    now,
  });
  const coordination = createCoordination({
    ...options.coordination,
    store,
    eventLog,
    bus,
    catalogue,
    cities,
    applications,
    seal,
    log,
    metrics,
    now,
  });
  const events = createEvents({
    ...options.events,
    store,
    eventLog,
    bus,
    cities,
    keys,
    webhooks: new Map(connected.flatMap(({ city, webhook }) => (webhook ? [[city.id, webhook] as const] : []))),
    log,
    metrics,
    now,
  });
  const relay = createRelay({ store, eventLog, bus, log });
  metrics.gauge({
    name: 'relay_lag_events',
    help: 'Events in the log that the bus does not have yet.',
    read: async (gauge) => gauge.set((await relay.lag()).events),
  });
  metrics.gauge({
    name: 'bus_group_lag_events',
    help: 'Events that a group of readers has not finished.',
    labels: ['group'],
    read: async (gauge) => {
      for (const { group, events } of await bus.lag()) gauge.set({ group }, events);
    },
  });
  const schema = createSchema();
  const federation = createFederation({ ...options.federation, hub: createHubPart(schema), store, eventLog, claims, log, metrics, now });
  const gateway = createGateway({
    schema,
    federation,
    catalogue,
    applications,
    coordination,
    events,
    cities,
    rows: createRows({ cities, log, metrics }),
    identity,
    claims,
    ports,
    log,
    metrics,
    ...(options.gateway ? { settings: options.gateway } : {}),
  });

  let follower: Follower | null = null;
  let refresh: Refresh | null = null;

  return {
    catalogue,
    cities,
    applications,
    coordination,
    events,
    federation,
    gateway,
    async start() {
      await catalogue.importReference();
      await catalogue.importCities();
      const warm = catalogue.warmUp();
      await federation.refresh();
      // Not awaited: a city that hangs must not keep the others from being served.
      const ready = cities.start();
      refresh = catalogue.keepFresh(ready);
      applications.start();
      relay.start();
      await coordination.start();
      await events.start();
      await warm;
      // Catalogues that another process imported: another hub, or the command line.
      follower = followLog(eventLog, log, async ({ aggregate }) => {
        if (aggregate.type === 'catalogue') await catalogue.refresh(aggregate.id);
        if (aggregate.type === 'subgraph') await federation.refresh();
      });
    },
    async stop(graceMs) {
      await gateway.stop(graceMs);
      await federation.stop();
      await follower?.stop();
      await refresh?.stop();
      await applications.stop();
      await coordination.stop();
      await events.stop();
      await relay.stop();
      await cities.stop();
    },
  };
}
