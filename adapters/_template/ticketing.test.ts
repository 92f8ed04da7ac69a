import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'vitest';
import { AdapterError, type Adapter, type Call, type Host, type Json, type Submission, type WriteCall } from '#contract';
import ticketing from './index.ts';
import { ticketingConfig } from './config.ts';
import { parseCursor, toCursor } from './mapping.ts';
import { simulatedToken, startSimulator, type Simulator } from './simulator.ts';

/*
 * What only the author knows: how Ticketing behaves and what that must become. What every adapter must keep (one case per
 * key, honest effects under 15 faults, deadlines, secrets) the conformance kit checks: it is not repeated here.
 */

const call = (): Call => ({ signal: AbortSignal.timeout(5000), deadline: new Date(Date.now() + 5000), traceparent: '', attempt: 1 });
const write = (key: string = randomUUID()): WriteCall => ({ ...call(), key, step: (_, run) => run() });

const application = (over: Partial<Submission> = {}): Submission => ({
  service: '99108001001000',
  serviceName: 'Bewohnerparkausweis',
  formRevision: '1',
  localKey: 'bewohnerparkausweis',
  applicant: { name: 'Jürgen Groß', email: 'juergen@example.org' },
  formData: { licencePlate: 'D-ÄÖ 123' },
  channel: 'ONLINE',
  submittedAt: new Date('2026-11-20T10:00:00Z'),
  ...over,
});

async function withTicketing(use: (adapter: Adapter, simulator: Simulator) => Promise<void>, over: Record<string, Json> = {}) {
  const simulator = await startSimulator();
  const host: Host = {
    city: 'stadt',
    ars: '051110000000',
    contract: '1.0',
    now: () => new Date(),
    // As the hub's: what breaks on the wire is an AdapterError, with its effect.
    fetch: (input, init) =>
      fetch(input, init).catch((cause: unknown) => {
        throw new AdapterError('unavailable', init?.method === 'GET' ? 'none' : 'unknown', 'it broke off', { cause });
      }),
    log: () => {},
  };
  const raw = { baseUrl: simulator.url, token: simulatedToken, queue: 'applications', withdrawnStatus: 'withdrawn', ...over };
  const adapter = ticketing.create(ticketingConfig.parse(raw), host);
  try {
    await adapter.start(call());
    await use(adapter, simulator);
    await adapter.stop(call());
  } finally {
    await simulator.close();
  }
}

/** The adapter has these ports, whatever its config. */
const cases = ({ cases: port }: Adapter) => port ?? assert.fail('no cases');

test('an application becomes a ticket that a clerk can read', () =>
  withTicketing(async (adapter, { tickets }) => {
    const key = randomUUID();
    const receipt = await cases(adapter).submit(application(), write(key));
    assert.deepEqual(receipt, { ref: { id: '1', publicNumber: 'T-1001' }, taken: 'now', replayed: false });
    const { content } = tickets[0] ?? assert.fail('no ticket');
    assert.deepEqual(content['requester'], { name: 'Jürgen Groß', email: 'juergen@example.org' });
    assert.deepEqual(content['form'], { licencePlate: 'D-ÄÖ 123' });
    assert.equal(content['reference'], key);
  }));

test('a lost reply leaves the effect unknown, and the key finds the ticket', () =>
  withTicketing(async (adapter, simulator) => {
    const key = randomUUID();
    simulator.dropNextReply();
    await assert.rejects(cases(adapter).submit(application(), write(key)), { kind: 'unavailable', effect: 'unknown' });
    const again = await cases(adapter).submit(application(), write(key));
    assert.equal(again.replayed, true);
    assert.equal(simulator.tickets.length, 1);
  }));

test('what Ticketing refuses names the field of the applicant’s form', () =>
  withTicketing(async (adapter) => {
    await assert.rejects(cases(adapter).submit(application({ applicant: { name: 'A', email: 'nonsense' } }), write()), {
      kind: 'rejected',
      effect: 'none',
      fields: { '/applicant/email': 'Das ist keine E-Mail-Adresse.' },
    });
  }));

async function pull(adapter: Adapter, from: string | null) {
  const seen: string[] = [];
  let next = from;
  for await (const page of adapter.changes?.pull(from, call()) ?? []) {
    seen.push(...page.items.map(({ id, nativeStatus }) => `${id} ${nativeStatus}`));
    ({ next } = page);
  }
  return { seen, next };
}

test('a change is told once per state, and a pull goes on from its cursor', () =>
  withTicketing(async (adapter) => {
    const { ref } = await cases(adapter).submit(application(), write());
    await cases(adapter).withdraw?.(ref, 'Umzug', write());
    const first = await pull(adapter, null);
    assert.deepEqual(first.seen, ['1 2 withdrawn']);
    // It reaches back: the same change again has the same id, and the hub applies it once.
    assert.deepEqual((await pull(adapter, first.next)).seen, first.seen);
  }));

test('a change that becomes visible after a page of later ones was read is still told', () =>
  withTicketing(async (adapter, { tickets }) => {
    const start = Date.parse('2026-11-20T10:00:00Z');
    const submitAt = async (ms: number) => {
      await cases(adapter).submit(application(), write());
      Object.assign(tickets.at(-1) ?? assert.fail('no ticket'), { updatedAt: new Date(start + ms).toISOString() });
    };
    for (let made = 0; made < 60; made++) await submitAt(made * 20);
    const { next } = await pull(adapter, null);
    await submitAt(-5_000);
    assert.ok((await pull(adapter, next)).seen.includes('61 1 open'));
  }));

test('check tells a wrong token from a wrong queue', async () => {
  await withTicketing(
    async (adapter) => {
      await assert.rejects(adapter.check(call()), { kind: 'misconfigured', effect: 'none' });
    },
    { token: 'not-the-token' },
  );
  await withTicketing(
    async (adapter) => {
      const { ok, probes } = await adapter.check(call());
      assert.equal(ok, false);
      assert.equal(probes[0]?.hint, 'config.queue: this account sees applications');
    },
    { queue: 'nowhere' },
  );
});

test('a cursor is read as it was written, and no other text is one', () => {
  assert.deepEqual(parseCursor(toCursor({ since: 1_700_000_000_000, skip: 3 })), { since: 1_700_000_000_000, skip: 3 });
  assert.throws(() => parseCursor('yesterday'), { kind: 'malformed' });
});
