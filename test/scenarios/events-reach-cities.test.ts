import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { Webhook } from 'standardwebhooks';
import { redmineSimulated, startRedmineSimulator } from '../../adapters/redmine/simulator.ts';
import { restSimulatedSecret, startRestSimulator } from '../../adapters/rest/simulator.ts';
import { ars, duesseldorf, neuss, startTestHub, type TestHub } from '../kit/hub.ts';
import { parkingPermit } from '../kit/samples.ts';
import { describeWithService, describeWithStore, type StoreKit } from '../kit/services.ts';
import { createStack } from '../kit/stack.ts';
import { startWebhookReceiver } from '../kit/webhook-receiver.ts';

const keep = createStack();
const patience = { timeout: 60_000, interval: 50 };
const run = promisify(execFile);

const quickEvents = {
  timing: { leaseMs: 1000, pollMs: 50 },
  policy: { event: { firstMs: 50, mostMs: 200 }, channel: { firstMs: 50, mostMs: 200 } },
};

/** Düsseldorf lets Neuss know of status changes of parking permits; Neuss has a webhook. Names of cities are new each time: a broker is shared. */
async function startCities(env: Record<string, string>) {
  const redmine = keep(await startRedmineSimulator());
  const rest = keep(await startRestSimulator({ dialect: 'vorgaenge' }));
  const receiver = keep(await startWebhookReceiver());
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const mark = randomUUID().slice(0, 8);
  const [one, two] = [`duesseldorf-${mark}`, `neuss-${mark}`];
  const hub = keep(
    await startTestHub({
      events: quickEvents,
      env: { ...env, NEUSS_EVENTS_KEY: secret },
      cities: {
        [one]: {
          ...duesseldorf({ baseUrl: redmine.url, apiKey: redmineSimulated.apiKey }),
          grants: [{ to: ars.neuss, types: ['application.status-changed'], services: [parkingPermit] }],
        },
        [two]: {
          ...neuss({ baseUrl: rest.url, secret: restSimulatedSecret }),
          events: {
            deliver: 'webhook',
            url: receiver.url,
            secrets: [{ $env: 'NEUSS_EVENTS_KEY' }],
            subscribe: [{ types: ['application.*'] }],
          },
        },
      },
    }),
  );
  return { hub, receiver, redmine, secret, clerk: `clerk-${two}`, otherClerk: `clerk-${one}`, city: two };
}

const channel = `query ($state: EventDeliveryState) { eventChannel { deliver state waiting parked deliveries(state: $state) {
  totalCount nodes { eventId type subject state attempts { outcome status } } } } }`;

interface SeenChannel {
  readonly eventChannel: {
    readonly deliver: string;
    readonly state: string;
    readonly waiting: number;
    readonly parked: number;
    readonly deliveries: {
      readonly totalCount: number;
      readonly nodes: readonly {
        readonly eventId: string;
        readonly type: string;
        readonly subject: string;
        readonly state: string;
        readonly attempts: readonly { outcome: string; status: number }[];
      }[];
    };
  } | null;
}

const cli = async (hub: TestHub, ...words: string[]) => {
  const env = { ...process.env, ...hub.env, CITIES_DIR: join(hub.folder, 'cities'), NODE_ENV: 'development' };
  const { stdout } = await run(process.execPath, ['src/cli.ts', '--language', 'EN', ...words], { env });
  return stdout.trim();
};

function scenario(title: string, start: (kit: StoreKit) => Promise<Awaited<ReturnType<typeof startCities>>>) {
  describeWithStore(title, (kit) => {
    test('what Düsseldorf grants reaches Neuss, signed; what it does not grant never does; all of it can be looked up', async () => {
      const { hub, receiver, redmine, secret, clerk, otherClerk, city } = await start(kit);
      const { id, uuid } = await hub.submit(ars.duesseldorf, randomUUID());
      await expect.poll(() => redmine.cases.list().length, patience).toBe(1);
      await expect.poll(() => receiver.taken.length, patience).toBeGreaterThan(0);
      const [got] = receiver.taken;
      expect(got?.event).toMatchObject({
        subject: uuid,
        type: 'de.staedtebund.application.status-changed.v1',
        data: { status: 'RECEIVED', municipality: ars.duesseldorf },
      });
      expect(() => new Webhook(secret.slice('whsec_'.length)).verify(got!.body, got!.headers as Record<string, string>)).not.toThrow();
      expect(() => new Webhook(secret.slice('whsec_'.length)).verify(`${got!.body} `, got!.headers as Record<string, string>)).toThrow(
        'signature',
      );
      const own = await hub.submit(ars.neuss, randomUUID());
      await expect.poll(() => receiver.taken.filter(({ event }) => event.subject === own.uuid).length, patience).toBeGreaterThanOrEqual(3);
      const foreign = receiver.taken.filter(({ event }) => event.subject === uuid).map(({ event }) => event.type);
      expect(new Set(foreign)).toEqual(new Set(['de.staedtebund.application.status-changed.v1']));

      // The city looks at its own log; another city has none, a citizen may not ask.
      const seen = (await hub.ask<SeenChannel>(channel, {}, clerk)).data?.eventChannel;
      expect(seen).toMatchObject({ deliver: 'WEBHOOK', state: 'RUNNING', parked: 0 });
      expect(seen?.deliveries.nodes.find(({ eventId }) => eventId === got?.event.id)).toMatchObject({
        subject: uuid,
        attempts: [{ outcome: 'DELIVERED', status: 204 }],
      });
      expect((await hub.ask<SeenChannel>(channel, {}, otherClerk)).data?.eventChannel).toBeNull();
      expect((await hub.ask<SeenChannel>(channel, {}, 'citizen')).errors?.[0]?.extensions?.code).toBe('FORBIDDEN');

      // A trail for those it concerns.
      const trail = (who?: string, of = id) =>
        hub.ask<{ caseTrail: readonly { kind: string; what: string; where: string }[] | null }>(
          'query ($id: ID!) { caseTrail(id: $id) { at kind what where by detail } }',
          { id: of },
          who,
        );
      const citizens = (await trail('citizen')).data?.caseTrail ?? [];
      expect(citizens.map(({ what }) => what)).toEqual(
        expect.arrayContaining(['application.submitted', 'submit.done', 'application.delivered']),
      );
      expect(citizens.filter(({ kind }) => kind === 'DELIVERY')).toEqual([]);
      expect((await trail(otherClerk, uuid)).data?.caseTrail?.length).toBe(citizens.length);
      for (const nobody of [undefined, 'citizen2', 'state', clerk]) expect((await trail(nobody)).data?.caseTrail).toBeNull();

      // The operator, beside the running hub.
      const [channels, deliveries, traced, whole] = await Promise.all([
        cli(hub, 'events', 'channels'),
        cli(hub, 'events', 'deliveries', '--city', ars.neuss),
        cli(hub, 'trace', got!.event.id),
        cli(hub, 'trace', uuid),
      ]);
      expect(channels).toContain(`${city}  webhook  RUNNING`);
      expect(deliveries).toContain(`${got?.event.id}  application.status-changed  delivered  1× DELIVERED 204`);
      expect(traced).toContain('application.submitted');
      expect(traced).toContain(`delivery  DELIVERED  ${city}`);
      expect(whole).toBe(traced);
    }, 120_000);

    test('a city tests its channel, releases what is parked and has it sent again', async () => {
      const { hub, receiver, clerk, city } = await start(kit);
      const mutate = async (mutation: string, input?: object) => {
        const answer = await hub.ask<{ result: { __typename: string; count?: number; eventId?: string; code?: string } }>(
          mutation.replace(
            '…',
            '{ __typename ... on EventsSuccess { count eventId channel { state } } ... on Problem { code message(language: EN) } }',
          ),
          { input },
          clerk,
        );
        return answer.data?.result;
      };
      receiver.answer(() => ({ status: 422 }));
      const tested = await mutate('mutation { result: sendTestEvent … }');
      expect(tested).toMatchObject({ __typename: 'EventsSuccess', count: 1 });
      const eventId = tested?.eventId;
      const parked = async () => (await hub.ask<SeenChannel>(channel, { state: 'PARKED' }, clerk)).data?.eventChannel?.deliveries.nodes;
      await expect
        .poll(parked, patience)
        .toMatchObject([{ eventId, type: 'delivery.tested', attempts: [{ status: 422 }, { status: 422 }, { status: 422 }] }]);
      expect(await cli(hub, 'events', 'parked')).toContain(`${eventId}  delivery.tested  parked  REFUSED`);
      receiver.answer(() => ({ status: 204 }));
      const release = 'mutation ($input: ReleaseEventInput!) { result: releaseEvent(input: $input) … }';
      expect(await mutate(release, { eventId })).toMatchObject({ __typename: 'EventsSuccess', count: 1 });
      await expect.poll(() => receiver.taken.map(({ event }) => event.id), patience).toEqual([eventId]);
      expect(await mutate(release, { eventId })).toMatchObject({ __typename: 'NotFound', code: 'NOT_FOUND' });

      await expect.poll(async () => (await hub.ask<SeenChannel>(channel, {}, clerk)).data?.eventChannel?.waiting, patience).toBe(0);
      const subscribed = 'mutation ($input: SubscribeToEventsInput!) { result: subscribeToEvents(input: $input) … }';
      expect(await mutate(subscribed, { types: ['delivery.*'] })).toMatchObject({ __typename: 'EventsSuccess', count: 1 });
      expect(await mutate(subscribed, { types: ['Nonsense'] })).toMatchObject({ __typename: 'InvalidInput' });
      const time = { from: new Date(Date.now() - 3_600_000), until: new Date(Date.now() + 3_600_000) };
      expect(await mutate('mutation ($input: ReplayEventsInput!) { result: replayEvents(input: $input) … }', { time })).toMatchObject({
        count: 1,
      });
      await expect.poll(() => receiver.taken.map(({ headers }) => headers['webhook-id']), patience).toEqual([eventId, eventId]);
      expect(await cli(hub, 'events', 'pause', city)).toBe('done');
      expect((await hub.ask<SeenChannel>(channel, {}, clerk)).data?.eventChannel?.state).toBe('PAUSED');
      expect(await mutate('mutation { result: pauseEvents(paused: false) … }')).toMatchObject({ channel: { state: 'RUNNING' } });
    }, 120_000);
  });
}

scenario('events reach cities on the embedded bus', () => startCities({}));
describeWithService('kafka', 'events reach cities', (url) => {
  scenario('by Kafka', () => startCities({ BUS_URL: url }));
});
