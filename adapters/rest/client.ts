import { setTimeout as sleep } from 'node:timers/promises';
import {
  AdapterError,
  createBatches,
  type Adapter,
  type Attachment,
  type Batch,
  type Call,
  type CasePort,
  type CaseRef,
  type CaseSnapshot,
  type Host,
  type Json,
  type Receipt,
  type Submission,
  type WriteCall,
} from '#contract';
import { createAttachments } from './attachments.ts';
import { bodyMaker } from './body.ts';
import { createChanges } from './changes.ts';
import type { RestConfig } from './config.ts';
import { createAsk, readAfter, type Reply } from './http.ts';
import { createList } from './lists.ts';
import { caseReader, fillPath, toSource } from './mapping.ts';
import { createMoments } from './moments.ts';
import { at } from './pointer.ts';
import { reader } from './value.ts';
import { createWebhook } from './webhook.ts';

/*
 * A back office that speaks JSON over HTTP, described wholly by the city's file. What it can do follows from what the file
 * says: with `idempotency.header` the same key goes out again and the back office recognises it; with `idempotency.lookup`
 * each submission looks for its key first, and the hub makes one call per key at a time.
 */
export function createRest(config: RestConfig, host: Host): Adapter {
  const ask = createAsk(config, host);
  const { idempotency, case: fields, submit: sent } = config;
  const moments = createMoments(config.times.zone, config.times.since, () => host.now());
  const cases = caseReader(fields, moments);
  const made = caseReader(
    {
      ...fields,
      ...(sent.id === undefined || isHeader(sent.id) ? {} : { id: sent.id }),
      ...(sent.number === undefined ? {} : { number: sent.number }),
    },
    moments,
  );
  const toBody = bodyMaker(sent.body);
  const attachments = createAttachments(config.attachments, ask);
  const lookup = typeof idempotency === 'object' && 'lookup' in idempotency ? idempotency : null;
  const lookups = lookup ? createList({ ...lookup, path: lookup.lookup }, ask, 'idempotency.lookup') : null;
  const loads = createList(config.load, ask, 'load');
  const keyOf = reader(lookup?.key);

  const known = ({ status, body }: Reply, what: string): Json => {
    if (status !== 404 && status !== 410) return body;
    throw new AdapterError('misconfigured', 'none', `the back office does not know the path of ${what}`);
  };

  async function findOne(key: string, call: Call): Promise<CaseRef | null> {
    if (!lookups) throw new AdapterError('unsupported', 'none', 'this back office cannot be asked for a key');
    let first: Json | undefined;
    for await (const { items } of lookups.pages({ key }, call)) {
      // Where a filter is ignored, everything is found: never take somebody else's case.
      for (const item of items)
        if ((await keyOf(item)) !== key)
          throw new AdapterError(
            'misconfigured',
            'none',
            'idempotency.lookup finds cases with other keys: its filter is ignored, or idempotency.key is wrong',
          );
      first ??= items[0];
    }
    return first === undefined ? null : cases.toRef(first);
  }

  /** The same where a case may be there that the index does not show yet. */
  async function findSettled(key: string, call: Call): Promise<CaseRef | null> {
    const found = await findOne(key, call);
    if (found || !lookup?.lagMs) return found;
    await sleep(lookup.lagMs, undefined, { signal: call.signal });
    return findOne(key, call);
  }

  const submit: CasePort['submit'] = async (application, call) => {
    const documents = application.attachments ?? [];
    const before = lookup ? await findSettled(call.key, call) : null;
    const receipt = before ? { ref: before, taken: 'now' as const, replayed: true } : await createOnce(application, documents, call);
    const undone = await attachments.send(receipt.ref.id, documents, call);
    return undone.length > 0 ? { ...receipt, undone } : receipt;
  };

  async function createOnce(application: Submission, documents: readonly Attachment[], call: WriteCall): Promise<Receipt> {
    const run = async () => create(await attachments.enclose(await toBody(toSource(application, call.key)), documents, call), call);
    if (!attachments.follow || documents.length === 0) return run();
    // Attachments follow in requests of their own: a second attempt goes on with them and makes no second case.
    let ran = false;
    const { ref, taken, replayed } = await call.step('case', async () => {
      ran = true;
      const receipt = await run();
      return { ...receipt, ref: { ...receipt.ref } };
    });
    return { ref, taken, replayed: replayed || !ran };
  }

  async function create(request: Awaited<ReturnType<typeof attachments.enclose>>, call: WriteCall) {
    const { method, path } = sent;
    const reply = await ask({ method, path: fillPath(path, { key: call.key }), key: call.key, ...request }, call);
    const found = at(known(reply, 'submit'), sent.in ?? fields.in);
    const ref = isHeader(sent.id) ? refFrom(reply, sent.id.header) : await readAfter('unknown', () => made.toRef(found));
    const taken = reply.status === 202 ? ('queued' as const) : ('now' as const);
    return { ref, taken, replayed: reply.headers.get('idempotency-replayed') === 'true' };
  }

  async function loadOne({ id }: CaseRef, call: Call): Promise<CaseSnapshot | null> {
    if (!isAskable(id)) return null;
    const { status, body } = await ask({ method: 'GET', path: fillPath(config.load.path, { id }), lenient: true }, call);
    return status === 404 || status === 410 ? null : cases.toSnapshot(at(body, fields.in));
  }

  /** The cases of these ids. A batch that is refused for one of its ids is asked for in halves; one id alone that is refused is not there. */
  async function listed(ids: readonly string[], call: Call): Promise<readonly Json[]> {
    try {
      const items: Json[] = [];
      for await (const page of loads.pages({ ids: ids.join(',') }, call)) items.push(...page.items);
      return items;
    } catch (error) {
      if (!(error instanceof AdapterError) || error.kind !== 'rejected') throw error;
      if (ids.length === 1) return [];
      const middle = Math.ceil(ids.length / 2);
      return [...(await listed(ids.slice(0, middle), call)), ...(await listed(ids.slice(middle), call))];
    }
  }

  const batches = createBatches(
    config.load.maxBatch,
    async (ids, call) => {
      const found = new Map<string, Json>();
      for (const item of await listed(ids, call)) {
        const ref = await cases.toRef(item).catch(() => null);
        if (ref) found.set(ref.id, item);
      }
      return found;
    },
    (size) => host.log('warn', 'load answers for fewer cases than it is asked for: from now on it is asked for less at once', { size }),
  );

  async function loadListed(refs: readonly CaseRef[], call: Call): Promise<Batch<CaseSnapshot>> {
    const ids = new Set(refs.map(({ id }) => id).filter((id) => isAskable(id) && !id.includes(',')));
    const found = await batches([...ids], call);
    return Promise.all(refs.map(async ({ id }) => (found.has(id) ? isolated(cases.toSnapshot(found.get(id))) : null)));
  }

  const loadCases = async (refs: readonly CaseRef[], call: Call): Promise<Batch<CaseSnapshot>> =>
    config.load.path.includes('{ids}') ? loadListed(refs, call) : Promise.all(refs.map((ref) => isolated(loadOne(ref, call))));

  const withdraw = ({ method, path, body, done }: NonNullable<RestConfig['withdraw']>): NonNullable<CasePort['withdraw']> => {
    const content = body && bodyMaker(body);
    const isDone = async (id: string, call: Call): Promise<boolean> => {
      const [snapshot] = await loadCases([{ id }], call);
      return snapshot !== null && snapshot !== undefined && 'nativeStatus' in snapshot && done.includes(snapshot.nativeStatus);
    };
    return async ({ id }, reason, call) => {
      const { status } = await ask(
        { method, path: fillPath(path, { id }), key: call.key, ...(content ? { body: await content({ reason, id, key: call.key }) } : {}) },
        call,
      ).catch(async (error: unknown) => {
        if (done.length > 0 && error instanceof AdapterError && error.kind === 'rejected' && (await isDone(id, call)))
          return { status: 200 };
        throw error;
      });
      if (status === 404 || status === 410) throw new AdapterError('rejected', 'none', 'the back office does not have this case any more');
      // Some back offices answer 200 for a status they do not know, and leave the case as it was.
      if (done.length > 0 && !(await readAfter('unknown', () => isDone(id, call))))
        throw new AdapterError(
          'misconfigured',
          'done',
          'the back office took the withdrawal and the case is in none of withdraw.done afterwards',
        );
    };
  };

  async function firstChange(call: Call): Promise<void> {
    for await (const { items } of createList(config.changes!, ask, 'changes').pages({ since: moments.format(0), cursor: '' }, call)) {
      if (items[0] !== undefined) await cases.toSnapshot(items[0]);
      return;
    }
  }

  async function check(call: Call) {
    const probes: { name: string; ok: boolean; ms: number }[] = [];
    const probe = async (name: string, run: () => Promise<unknown>) => {
      const since = performance.now();
      await run();
      probes.push({ name, ok: true, ms: Math.round(performance.now() - since) });
    };
    await probe('credentials', async () => known(await ask({ method: 'GET', path: config.health.path }, call), 'health'));
    if (lookup) await probe('look-up by key', () => findOne(`no such key ${crypto.randomUUID()}`, call));
    // As open cases are looked after; nobody has this id.
    await probe('load', () => (config.load.path.includes('{ids}') ? listed(['0'], call) : isolated(loadOne({ id: '0' }, call))));
    // Of a case that is there, everything that a look-up reads is read.
    if (config.changes) await probe('changes', () => firstChange(call));
    return { ok: true, probes };
  }

  const limits = config.attachments && { maxBytes: config.attachments.maxBytes, mediaTypes: config.attachments.mediaTypes };
  return {
    start: async () => {},
    stop: async () => {},
    check,
    cases: {
      traits: {
        maxBatch: config.load.maxBatch,
        idempotency: lookup ? 'lookup' : idempotency === 'none' ? 'none' : 'native',
        ...(limits ? { attachments: limits } : {}),
      },
      submit,
      ...(lookup ? { findByKey: (keys, call) => Promise.all(keys.map((key) => findSettled(key, call))) } : {}),
      loadCases,
      ...(config.withdraw ? { withdraw: withdraw(config.withdraw) } : {}),
    },
    ...(config.changes ? { changes: createChanges(config.changes, cases, moments, ask, () => host.now()) } : {}),
    ...(config.webhook ? { webhook: createWebhook(config.webhook, cases, host) } : {}),
  };
}

const isHeader = (id: RestConfig['submit']['id']): id is { header: string } => typeof id === 'object' && 'header' in id;

/** A case known by the address under which it was made. */
function refFrom({ headers, url }: Reply, header: string): CaseRef {
  const address = headers.get(header) ?? '';
  const parts = address !== '' && URL.canParse(address, url) ? new URL(address, url).pathname.split('/') : [];
  const last = parts.findLast((part) => part !== '');
  if (last !== undefined && /^([^%]|%[0-9a-f]{2})+$/i.test(last)) return { id: decodeURIComponent(last) };
  throw new AdapterError('malformed', 'unknown', `the answer has no case in its header ${header}`);
}

/** Nobody's id is empty or that long, and dots alone climb in a path. */
const isAskable = (id: string): boolean => id !== '' && id.length <= 200 && !/^\.{1,2}$/.test(id);

/** One case that cannot be read leaves the others of its batch alone. */
const isolated = async <T>(one: Promise<T>): Promise<T | AdapterError> =>
  one.catch((error: unknown) => {
    if (error instanceof AdapterError && (error.kind === 'malformed' || error.kind === 'rejected')) return error;
    throw error;
  });
