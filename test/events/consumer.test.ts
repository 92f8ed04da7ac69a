import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { HubEvent, RegionalKey } from '#contract';
import { createReader, fromLine, fromRecord } from '../../docs/examples/consumer.ts';
import { runEvents } from '../../src/cli/events.ts';
import { createEventCheck } from '../../src/events/catalogue.ts';
import { toRecord } from '../../src/infra/bus/cloudevents.ts';
import { parseKafkaUrl } from '../../src/infra/bus/kafka-url.ts';
import { openBus } from '../../src/infra/bus/open-bus.ts';
import { createLog } from '../../src/infra/log.ts';
import { createEventLog } from '../../src/infra/store/eventlog.ts';
import { eventSchemas } from '../kit/event-schemas.ts';
import { describeWithService, describeWithStore, type StoreKit } from '../kit/services.ts';

/* docs/examples/consumer.ts, run as its reader would. */

const example = join(import.meta.dirname, '../../docs/examples/consumer.ts');
const [arrival, departure] = ['051110000000', '053150000000'] as const;

/** An event as the hub writes it: the example of its schema, about this case. */
function eventOf(type: 'move.registered' | 'move.evaluated' | 'case.opened' | 'application.submitted', subject: string): HubEvent {
  const { municipality, ...facts } = eventSchemas.get(type)!.examples[0]!;
  const aggregate = { type: type.startsWith('application') ? 'application' : 'case', id: subject };
  return { id: randomUUID(), type, aggregate, occurredAt: new Date(), municipality: municipality as RegionalKey, facts };
}

/** Two moves to a city of departure, one of them answered, and the lines that a reader there sees. */
async function history(kit: StoreKit) {
  const store = await kit.openFresh();
  const eventLog = createEventLog(store, createEventCheck());
  const [first, second] = [randomUUID(), randomUUID()];
  const events = [
    eventOf('application.submitted', randomUUID()),
    eventOf('case.opened', first),
    eventOf('move.registered', first),
    eventOf('move.registered', second),
    eventOf('move.evaluated', first),
  ];
  await store.transaction((tx) => eventLog.append(tx, events));
  const due = eventSchemas.get('move.registered')!.examples[0]!['dueAt'] as string;
  return { store, eventLog, lines: [`waits ${first} until ${due}`, `waits ${second} until ${due}`, `answered ${first}`] };
}

describeWithStore('the example of a consumer', (kit) => {
  test('reads what the command line prints, each event once', async () => {
    const { eventLog, lines } = await history(kit);
    const child = spawn(process.execPath, [example, departure], { stdio: ['pipe', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    // Twice, as after a reader's restart.
    for (let time = 0; time < 2; time += 1)
      await runEvents(eventLog, { after: 0, follow: false, signal: new AbortController().signal }, (line) =>
        child.stdin.write(`${line}\n`),
      );
    child.stdin.end();
    await once(child, 'exit');
    expect(said.trim().split('\n')).toEqual(lines);
  });

  test('another city sees nothing in it', async () => {
    const { eventLog } = await history(kit);
    const said: string[] = [];
    const take = createReader(arrival, (line) => said.push(line));
    await runEvents(eventLog, { after: 0, follow: false, signal: new AbortController().signal }, (line) => take(fromLine(line)));
    expect(said).toEqual([]);
  });

  test('a record of Kafka is the same event as a line', async () => {
    const { eventLog } = await history(kit);
    const printed: unknown[] = [];
    await runEvents(eventLog, { after: 0, follow: false, signal: new AbortController().signal }, (line) => printed.push(fromLine(line)));
    const records = (await eventLog.read(0, 100)).map((event) => toRecord(event));
    const received = records.map(({ headers, value }) => fromRecord(headers, Buffer.from(value)));
    expect(received.map((event) => ({ ...event, datacontenttype: 'application/json' }))).toEqual(printed);
  });
});

describeWithService('kafka', 'the example of a consumer on Kafka', (url) => {
  describeWithStore('reads the topic', (kit) => {
    test('what was published arrives', async () => {
      const { store, eventLog, lines } = await history(kit);
      const bus = await openBus(url, { store, eventLog, log: createLog('silent') });
      await bus.publish(await eventLog.read(0, 100));
      const env = { ...process.env, BROKERS: parseKafkaUrl(url).brokers.join(','), GROUP: `example-${randomUUID()}` };
      const child = spawn(process.execPath, [example, departure], { env, stdio: ['ignore', 'pipe', 'ignore'] });
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
      // Other suites publish into the topic too; the two cases may lie in different partitions.
      const ours = () =>
        said
          .split('\n')
          .filter((line) => lines.includes(line))
          .toSorted();
      await expect.poll(ours, { timeout: 25_000, interval: 50 }).toEqual(lines.toSorted());
      child.kill();
      await once(child, 'exit');
      await bus.close();
    });
  });
});
