import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { letConnectionsRest } from '../../src/infra/bus/kafka-idle.ts';
import { describeWithService } from '../kit/services.ts';

const bus = join(import.meta.dirname, '../../src/infra/bus/kafka.ts');
const log = join(import.meta.dirname, '../../src/infra/log.ts');

interface Queue {
  pending: unknown[];
  throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  scheduleCheckPendingRequests(): void;
  checkPendingRequests(): void;
  destroy(): void;
}

describe('a connection of kafkajs', () => {
  letConnectionsRest();
  const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as new (options: object) => Queue;
  const silent = { debug: () => {}, warn: () => {} };
  const newQueue = () => new RequestQueue({ maxInFlightRequests: 1, requestTimeout: 1000, clientId: 'c', broker: 'b', logger: silent });

  test('sets no timer while no request waits', () => {
    const queue = newQueue();
    queue.checkPendingRequests();
    expect(queue.throttleCheckTimeoutId).toBeNull();
  });

  test('looks again where a request waits, and after a pause that the broker asked for', async () => {
    const queue = newQueue();
    queue.throttledUntil = Date.now() + 30;
    const sent = new Promise<number>((resolve) => {
      queue.pending.push({ correlationId: 1, expectResponse: true, send: () => resolve(Date.now()) });
    });
    queue.scheduleCheckPendingRequests();
    expect(queue.throttleCheckTimeoutId).not.toBeNull();
    expect(await sent).toBeGreaterThanOrEqual(queue.throttledUntil);
    expect(queue.pending).toEqual([]);
    queue.destroy();
  });
});

describeWithService('kafka', 'a process with the Kafka bus', (url) => {
  test('writes no warning of Node: publishing, reading and closing', { timeout: 120_000 }, async () => {
    const script = `
      const { openKafkaBus } = await import(${JSON.stringify(bus)});
      const { createLog } = await import(${JSON.stringify(log)});
      const bus = openKafkaBus(${JSON.stringify(url)}, { log: createLog('silent') });
      const type = 't' + crypto.randomUUID().slice(0, 8);
      const event = { seq: 1, id: crypto.randomUUID(), type: 'x.done', aggregate: { type, id: 'a' }, occurredAt: new Date(), municipality: null, facts: {} };
      const seen = Promise.withResolvers();
      await bus.subscribe({ group: type, aggregateTypes: [type], handle: async () => seen.resolve() });
      await bus.publish([event]);
      await seen.promise;
      await bus.close();
      console.log('done');`;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
    expect({ stdout, stderr }).toEqual({ stdout: 'done\n', stderr: '' });
  });
});
