import type { CaseChange } from '#contract';
import { fail, notApplicable, pass, unverified, type Bench, type Check, type Finding, type Opened } from '../check.ts';
import type { SampleNotification } from '../samples.ts';
import { inWords, settle } from './observe.ts';

const noNotification: Finding = unverified(
  'samples.notifications has none',
  'give a notification as the back office sent it: headers, body, and the moment it was sent',
);

/** Largest clock skew between the two ends that a replay window must leave room for, in milliseconds. */
const BEYOND_WINDOW_MS = 60_000;

interface Delivered {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const receive = (opened: Opened, { headers, body }: Delivered) =>
  settle(opened.read((adapter, call) => adapter.webhook!.receive({ method: 'POST', headers: new Headers(headers), raw: body }, call)));

/** Opens with the clock where the notification was sent. */
async function openAt(bench: Bench): Promise<{ opened: Opened; notification: SampleNotification } | null> {
  const notification = bench.samples.notifications?.[0];
  if (!notification) return null;
  bench.setNow(notification.at);
  return { opened: await bench.open(), notification };
}

const badSignature: Check = {
  id: 'webhook.bad-signature',
  level: 'MUST',
  title: 'A notification is believed with its signature, and refused without it, with another one, or where a byte was changed.',
  remedy: 'compare the signature over the raw bytes, in constant time, before anything else, and throw AdapterError rejected',
  port: 'webhook',
  async run(bench) {
    const at = await openAt(bench);
    if (!at) return noNotification;
    const { opened, notification } = at;
    const good = await receive(opened, notification);
    if (good.error)
      return fail(
        'the notification of the samples is taken',
        inWords(good.error),
        'give a notification signed with the secret of the config',
      );
    if (good.value.changes.length === 0) return unverified('the notification holds no change', 'give a notification about a case');
    if (opened.adapter.webhook?.traits.auth !== 'signature')
      return notApplicable('notifications are not signed: the way in is what proves the sender');
    const { headers, body } = notification;
    const changed = Uint8Array.from(body);
    const middle = changed.length >> 1;
    changed[middle] = (changed[middle] ?? 0) ^ 1;
    const forgeries: [string, Delivered][] = [
      ['without its headers', { headers: {}, body }],
      ['with a byte changed', { headers, body: changed }],
      ['with a byte added', { headers, body: Uint8Array.of(...body, 0x20) }],
    ];
    for (const [how, forged] of forgeries) {
      const found = refused(await receive(opened, forged), `a notification ${how}`, this.remedy);
      if (found) return found;
    }
    const other = await bench.open({ wrongSecrets: true, start: false });
    return refused(await receive(other, notification), 'a notification signed with another secret', this.remedy) ?? pass;
  },
};

function refused(outcome: Awaited<ReturnType<typeof receive>>, what: string, remedy: string): Finding | null {
  const { error } = outcome;
  if (error && (error.kind === 'rejected' || error.kind === 'malformed') && error.effect === 'none') return null;
  return fail(`${what} is rejected, effect none`, error ? inWords(error) : 'it is believed', remedy);
}

const replayed: Check = {
  id: 'webhook.replay',
  level: 'MUST',
  title: 'A notification that comes twice tells the same changes under the same ids, and an old one is refused.',
  remedy: 'make ids of the case and its version; refuse what was signed longer ago than traits.replayWindowMs',
  port: 'webhook',
  async run(bench) {
    const at = await openAt(bench);
    if (!at) return noNotification;
    const { opened, notification } = at;
    const twice = [await receive(opened, notification), await receive(opened, notification)];
    const ids = twice.map(({ value }) => value?.changes.map((change: CaseChange) => change.id).join(' ') ?? null);
    if (ids[0] === null)
      return fail('the notification of the samples is taken', 'it is refused', 'give a notification signed with the secret of the config');
    // A receiver that remembers may also refuse the second one: then nothing is told twice.
    if (ids[1] !== null && ids[1] !== ids[0] && ids[1] !== '') return fail('the same ids both times', 'others', this.remedy);
    const [first, second] = twice.map(({ value }) => value?.id);
    if (ids[1] !== null && second !== first)
      return fail(
        'the same id of the message both times',
        'another',
        'take id from what the sender wrote, and leave it out where it wrote none',
      );
    const { auth, replayWindowMs } = opened.adapter.webhook!.traits;
    if (auth !== 'signature') return pass;
    for (const [way, when] of [
      [1, 'after'],
      [-1, 'before'],
    ] as const) {
      bench.setNow(new Date(notification.at.getTime() + way * (replayWindowMs + BEYOND_WINDOW_MS)));
      const fresh = await bench.open();
      const found = refused(
        await receive(fresh, notification),
        `a notification from ${when === 'after' ? 'before' : 'behind'} the replay window`,
        this.remedy,
      );
      if (found) return found;
    }
    return pass;
  },
};

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const garbage: [string, Uint8Array][] = [
  ['nothing', new Uint8Array()],
  ['half of JSON', bytes('{"items":[')],
  ['null', bytes('null')],
  ['a number', bytes('7')],
  ['a list of nulls', bytes('[null,null]')],
  ['bytes that are no UTF-8', Uint8Array.of(0xff, 0xfe, 0x00, 0xc3, 0x28)],
  ['XML with an entity', bytes('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>')],
  ['a nest of brackets', bytes('['.repeat(100_000))],
  ['a megabyte of letters', bytes('a'.repeat(1_000_000))],
];

const garbled: Check = {
  id: 'webhook.garbage-body',
  level: 'MUST',
  title: 'A notification that is none ends as AdapterError without effect: never another error, a hang or a change.',
  remedy: 'verify first, parse inside try, check the shape of what was parsed, and throw rejected or malformed',
  port: 'webhook',
  async run(bench) {
    const at = await openAt(bench);
    const opened = at?.opened ?? (await bench.open());
    for (const [name, body] of garbage) {
      for (const headers of [at?.notification.headers ?? {}, {}]) {
        const outcome = await receive(opened, { headers, body }).catch((error: unknown) =>
          error instanceof Error ? error.name : 'something',
        );
        if (typeof outcome === 'string') return fail(`AdapterError for ${name}`, outcome, this.remedy);
        // What needs no signature and says nothing tells nothing.
        if (outcome.value?.changes.length === 0 && opened.adapter.webhook?.traits.auth !== 'signature') continue;
        const found = refused(outcome, name, this.remedy);
        if (found) return found;
      }
    }
    return at ? pass : noNotification;
  },
};

/** Notifications of the back office. */
export const webhookChecks: readonly Check[] = [badSignature, replayed, garbled];
