import { AdapterError, type Adapter, type Batch, type Call, type CasePort, type CaseRef, type CaseSnapshot, type Host } from '#contract';
import { createChanges } from './changes.ts';
import type { RestConfig } from './config.ts';
import { createAsk, type Reply } from './http.ts';
import { fillPath, listAt, toBody, toRef, toSnapshot, toSource } from './mapping.ts';
import { at } from './pointer.ts';
import { createWebhook } from './webhook.ts';

/*
 * A back office that speaks JSON over HTTP, described wholly by the city's file. What it can do follows from what the file
 * says: with `idempotency.header` the same key goes out again and the back office recognises it; with `idempotency.lookup`
 * each submission looks for its key first, and the hub makes one call per key at a time.
 */
export function createRest(config: RestConfig, host: Host): Adapter {
  const ask = createAsk(config, host);
  const { idempotency, case: fields } = config;
  const lookup = typeof idempotency === 'object' && 'lookup' in idempotency ? idempotency : null;

  const known = ({ status, body }: Reply, what: string): Reply['body'] => {
    if (status !== 404 && status !== 410) return body;
    throw new AdapterError('misconfigured', 'none', `the back office does not know the path of ${what}`);
  };

  async function findOne(key: string, call: Call): Promise<CaseRef | null> {
    if (!lookup) throw new AdapterError('unsupported', 'none', 'this back office cannot be asked for a key');
    const reply = await ask({ method: 'GET', path: fillPath(lookup.lookup, { key }) }, call);
    const found = listAt(known(reply, 'idempotency.lookup'), lookup.items);
    // Where a filter is ignored, everything is found: never take somebody else's case.
    if (found.some((item) => at(item, lookup.key) !== key))
      throw new AdapterError(
        'misconfigured',
        'none',
        'idempotency.lookup finds cases with other keys: its filter is ignored, or idempotency.key is wrong',
      );
    return found[0] === undefined ? null : toRef(found[0], fields);
  }

  const submit: CasePort['submit'] = async (application, call) => {
    const before = lookup ? await findOne(call.key, call) : null;
    if (before) return { ref: before, taken: 'now', replayed: true };
    const { method, path, body } = config.submit;
    const reply = await ask(
      { method, path: fillPath(path, { key: call.key }), body: toBody(body, toSource(application, call.key)), key: call.key },
      call,
    );
    const ref = toRef(at(known(reply, 'submit'), fields.in), fields, 'unknown');
    return { ref, taken: reply.status === 202 ? 'queued' : 'now', replayed: reply.headers.get('idempotency-replayed') === 'true' };
  };

  async function loadOne({ id }: CaseRef, call: Call): Promise<CaseSnapshot | null | AdapterError> {
    try {
      const { status, body } = await ask({ method: 'GET', path: fillPath(config.load.path, { id }) }, call);
      return status === 404 || status === 410 ? null : toSnapshot(at(body, fields.in) ?? null, fields);
    } catch (error) {
      if (error instanceof AdapterError && error.kind === 'malformed') return error;
      throw error;
    }
  }

  const loadCases = async (refs: readonly CaseRef[], call: Call): Promise<Batch<CaseSnapshot>> => {
    if (!config.load.path.includes('{ids}')) return Promise.all(refs.map((ref) => loadOne(ref, call)));
    const reply = await ask({ method: 'GET', path: fillPath(config.load.path, { ids: refs.map(({ id }) => id).join(',') }) }, call);
    const found = new Map(listAt(known(reply, 'load'), config.load.items).map((item) => [toRef(item, fields).id, item]));
    return refs.map(({ id }) => {
      const item = found.get(id);
      return item === undefined ? null : toSnapshot(item, fields);
    });
  };

  const withdraw =
    ({ method, path, body }: NonNullable<RestConfig['withdraw']>): NonNullable<CasePort['withdraw']> =>
    async ({ id }, reason, call) => {
      const content = body && toBody(body, { reason, key: call.key });
      const { status } = await ask(
        { method, path: fillPath(path, { id }), key: call.key, ...(content === undefined ? {} : { body: content }) },
        call,
      );
      if (status === 404 || status === 410) throw new AdapterError('rejected', 'none', 'the back office does not have this case any more');
    };

  return {
    start: async () => {},
    stop: async () => {},
    async check(call) {
      const since = performance.now();
      known(await ask({ method: 'GET', path: config.health.path }, call), 'health');
      const probes = [{ name: 'credentials', ok: true, ms: Math.round(performance.now() - since) }];
      if (lookup) {
        const asked = performance.now();
        await findOne(`no such key ${crypto.randomUUID()}`, call);
        probes.push({ name: 'look-up by key', ok: true, ms: Math.round(performance.now() - asked) });
      }
      return { ok: true, probes };
    },
    cases: {
      traits: { maxBatch: config.load.maxBatch, idempotency: lookup ? 'lookup' : idempotency === 'none' ? 'none' : 'native' },
      submit,
      ...(lookup ? { findByKey: (keys, call) => Promise.all(keys.map((key) => findOne(key, call))) } : {}),
      loadCases,
      ...(config.withdraw ? { withdraw: withdraw(config.withdraw) } : {}),
    },
    ...(config.changes ? { changes: createChanges(config.changes, fields, ask) } : {}),
    ...(config.webhook ? { webhook: createWebhook(config.webhook, fields, host) } : {}),
  };
}
