import { describe, expect, test } from 'vitest';
import { createLog } from '../../src/infra/log.ts';
import { createMetrics } from '../../src/infra/metrics.ts';

const lines = (level: Parameters<typeof createLog>[0] = 'info') => {
  const written: string[] = [];
  return { log: createLog(level, { write: (line) => void written.push(line) }), written };
};

describe('the log', () => {
  test('writes one JSON object a line, with level and time in words', () => {
    const { log, written } = lines();
    log.debug('not wanted');
    log.warn({ city: 'koeln', attempts: 3 }, 'will try again');
    expect(written).toHaveLength(1);
    expect(JSON.parse(written[0]!)).toEqual({
      level: 'warn',
      time: expect.stringMatching(/Z$/),
      city: 'koeln',
      attempts: 3,
      msg: 'will try again',
    });
  });

  test('keeps what nobody should have logged to itself, up to two levels down', () => {
    const { log, written } = lines();
    const canary = 'Erika-Mustermann-1964';
    log.info({ applicant: canary, request: { headers: { authorization: canary }, body: canary }, a: { b: { email: canary } } }, 'oops');
    expect(written.join()).not.toContain(canary);
    expect(written.join()).toContain('[redacted]');
  });

  test('an error shows its code, stack and cause, not what a library hung on it', () => {
    const { log, written } = lines();
    const canary = 'row with Erika';
    log.error(
      { err: Object.assign(new Error('insert failed', { cause: new TypeError('inner') }), { code: '23505', detail: canary }) },
      'failed',
    );
    expect(JSON.parse(written[0]!).err).toMatchObject({
      type: 'Error',
      message: 'insert failed',
      code: '23505',
      cause: { type: 'TypeError' },
    });
    expect(written.join()).not.toContain(canary);
  });
});

describe('metrics', () => {
  test('appear under the prefix, with their labels; two registries do not share counts', async () => {
    const [metrics, other] = [createMetrics(), createMetrics()];
    metrics.counter({ name: 'submissions_total', help: 'Submissions.', labels: ['city'] }).inc({ city: 'koeln' }, 2);
    metrics.histogram({ name: 'delivery_seconds', help: 'Deliveries.', buckets: [1] }).observe(0.5);
    other.counter({ name: 'submissions_total', help: 'Submissions.', labels: ['city'] });
    const { text, contentType } = await metrics.render();
    expect(text).toContain('staedtebund_submissions_total{city="koeln"} 2');
    expect(text).toContain('staedtebund_delivery_seconds_bucket{le="1"} 1');
    expect(contentType).toContain('text/plain');
    expect((await other.render()).text).not.toContain('koeln');
  });

  test('a gauge that cannot be read does not fail the scrape', async () => {
    const metrics = createMetrics({ process: true });
    metrics.gauge({ name: 'lag_events', help: 'Lag.', read: (gauge) => gauge.set(7) });
    metrics.gauge({
      name: 'broken',
      help: 'Broken.',
      read: async () => {
        throw new Error('store away');
      },
    });
    const { text } = await metrics.render();
    expect(text).toContain('staedtebund_lag_events 7');
    expect(text).toContain('nodejs_eventloop_lag_seconds');
  });
});
