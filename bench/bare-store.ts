import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHistogram } from 'node:perf_hooks';
import { newEvent } from '../src/applications/changes.ts';
import { claimSubmissionKey, queueJob, type ApplicationRow } from '../src/applications/records.ts';
import { newId } from '../src/infra/ids.ts';
import { createEventLog } from '../src/infra/store/eventlog.ts';
import { openStore } from '../src/infra/store/open-store.ts';
import { readBody } from '../src/gateway/http/body.ts';
import { serveParent } from './parent.ts';
import type { StoreRound, Template } from './submission.ts';

/*
 * What a submission must cost at the least: its one transaction, with the rows the hub wrote for a real one, by the hub's
 * own statements. Twice: called in a loop, and behind a bare HTTP handler that reads and writes JSON.
 */
const store = await openStore(process.env['STORE_URL'] ?? '');
const eventLog = createEventLog(store);
let template: Template | null = null;

async function submitBarely(key: string): Promise<ApplicationRow> {
  if (!template) throw new Error('no template yet');
  const at = Date.now();
  const row: ApplicationRow = { ...template.row, id: newId(), submitted_at: at, status_since: at };
  const { type, facts, requestHash } = template;
  await store.transaction(async (tx) => {
    await claimSubmissionKey(tx, { owner: row.owner, key, request_hash: requestHash, application_id: row.id, created_at: at });
    await tx.insertInto('application').values(row).execute();
    await queueJob(tx, { row, kind: 'submit', key: row.id, at });
    await eventLog.append(tx, [newEvent(row, type, at, facts)]);
  });
  return row;
}

/** Keeps `clients` transactions under way for a while. */
async function round({ clients, ms }: { clients: number; ms: number }): Promise<StoreRound> {
  const histogram = createHistogram();
  const began = performance.now();
  let count = 0;
  const client = async () => {
    while (performance.now() - began < ms) {
      const start = performance.now();
      await submitBarely(newId());
      histogram.record(Math.max(1, Math.round((performance.now() - start) * 1000)));
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const percentile = (share: number) => histogram.percentile(share) / 1000;
  return { count, seconds: (performance.now() - began) / 1000, p50: percentile(50), p99: percentile(99) };
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const body = JSON.parse(String(await readBody(request, 262_144))) as { variables: { input: { idempotencyKey: string } } };
    const { id, status } = await submitBarely(body.variables.input.idempotencyKey);
    const text = JSON.stringify({
      data: { submitApplication: { __typename: 'SubmitApplicationSuccess', replayed: false, application: { id, status } } },
    });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text);
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
}

const server = createServer((request, response) => void serve(request, response));
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

serveParent(
  `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  {
    template: (given: Template) => {
      template = given;
    },
    round,
  },
  async () => {
    server.close();
    server.closeAllConnections();
    await store.close();
  },
);
