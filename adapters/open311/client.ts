import {
  AdapterError,
  createBatches,
  soundRef,
  type Adapter,
  type Batch,
  type Call,
  type CasePort,
  type CaseRef,
  type CaseSnapshot,
  type ChangesPort,
  type Host,
  type Json,
} from '#contract';
import { createCatalogue } from './catalogue.ts';
import { createChanges } from './changes.ts';
import type { Open311Config } from './config.ts';
import { createAsk } from './http.ts';
import { toForm, tokenId, tokenOf, toSnapshot } from './mapping.ts';
import { createList } from './list.ts';
import { at, recordsOf, textOf } from './records.ts';

/*
 * GeoReport v2 answers a new request with its id, or with a token under which the id is found later. A request that has a
 * token only is known by `token:<token>` for good: the hub keeps the id it was given, and each look goes by the token.
 */
export function createOpen311(config: Open311Config, host: Host): Adapter {
  const ask = createAsk(config, host);
  const list = createList(ask);
  const { idempotency } = config;

  async function findOne(key: string, call: Call): Promise<CaseRef | null> {
    if (idempotency === 'none') throw new AdapterError('unsupported', 'none', 'this server cannot be asked for a key');
    const found = await list({ [idempotency.query]: key }, call);
    // Where the parameter is ignored, everything is found: never take somebody else's request.
    if (found.some((request) => textOf(at(request, idempotency.field)) !== key))
      throw new AdapterError(
        'misconfigured',
        'none',
        'idempotency.query finds requests with other keys: it is ignored, or idempotency.field is wrong',
      );
    return found[0] === undefined ? null : refOf(found[0], 'none');
  }

  function refOf(record: Json, effect: 'none' | 'unknown'): CaseRef {
    const id = textOf(at(record, '/service_request_id'));
    if (id !== null) return soundRef({ id, publicNumber: textOf(at(record, config.number)) ?? id }, effect);
    const token = textOf(at(record, '/token'));
    if (token !== null) return soundRef({ id: tokenId(token) }, effect);
    throw new AdapterError('malformed', effect, 'the answer has neither service_request_id nor token');
  }

  const submit: CasePort['submit'] = async (application, call) => {
    const before = idempotency === 'none' ? null : await findOne(call.key, call);
    if (before) return { ref: before, taken: 'now', replayed: true };
    const form = toForm(application, call.key, config);
    if (config.apiKey !== undefined) form.set('api_key', config.apiKey);
    const answer = await ask({ path: 'requests', form }, call);
    // 404 is the standard's word for a jurisdiction or a service that is not there.
    if (answer === null) throw new AdapterError('misconfigured', 'none', 'the server does not know the jurisdiction or the service_code');
    const ref = refOf(recordsOf(answer, 'unknown')[0] ?? null, 'unknown');
    return { ref, taken: tokenOf(ref.id) === null ? 'now' : 'queued', replayed: false };
  };

  async function loadByToken(ref: CaseRef, token: string, call: Call): Promise<CaseSnapshot | null> {
    const answer = await ask({ path: `tokens/${encodeURIComponent(token)}` }, call);
    if (answer === null) return null;
    const id = textOf(at(recordsOf(answer)[0], '/service_request_id'));
    if (id === null) return { ref, nativeStatus: config.queuedStatus, version: config.queuedStatus, updatedAt: new Date(0) };
    const [request] = await loadById([id], call);
    if (request === null || request === undefined || request instanceof AdapterError) return null;
    return { ...request, ref: { ...request.ref, id: ref.id } };
  }

  /** Requests by their ids, as far as they are there. */
  const batches = createBatches(
    config.maxBatch,
    async (ids, call) => {
      // Some servers answer 404 or 400 for a whole list in which one id is wrong: then each is asked for alone.
      const answer = await ask({ path: 'requests', query: { service_request_id: ids.join(',') }, lenient: true }, call).catch(
        (error: unknown) => {
          if (error instanceof AdapterError && error.kind === 'rejected') return null;
          throw error;
        },
      );
      const records = answer === null ? (await Promise.all(ids.map((id) => loadAlone(id, call)))).flat() : recordsOf(answer);
      return new Map(
        records.flatMap((record) => {
          const id = textOf(at(record, '/service_request_id'));
          return id === null ? [] : [[id, record] as const];
        }),
      );
    },
    (size) =>
      host.log('warn', 'the server answers for fewer requests than it is asked for: from now on it is asked for less at once', { size }),
  );

  /** Same length and order as ids. */
  async function loadById(ids: readonly string[], call: Call): Promise<Batch<CaseSnapshot>> {
    const found = await batches([...new Set(ids.filter(isAskable))], call);
    return ids.map((id) => {
      const record = isAskable(id) ? found.get(id) : undefined;
      try {
        return record === undefined ? null : toSnapshot(record, config);
      } catch (error) {
        if (error instanceof AdapterError) return error;
        throw error;
      }
    });
  }

  async function loadAlone(id: string, call: Call): Promise<readonly Json[]> {
    const answer = await ask({ path: `requests/${encodeURIComponent(id)}`, lenient: true }, call).catch((error: unknown) => {
      if (error instanceof AdapterError && error.kind === 'rejected') return null;
      throw error;
    });
    return answer === null ? [] : recordsOf(answer);
  }

  const loadCases = async (refs: readonly CaseRef[], call: Call): Promise<Batch<CaseSnapshot>> => {
    const ids = refs.filter(({ id }) => tokenOf(id) === null).map(({ id }) => id);
    const loaded = await loadById(ids, call);
    const byId = new Map(ids.map((id, index) => [id, loaded[index] ?? null]));
    return Promise.all(
      refs.map(async (ref) => {
        const token = tokenOf(ref.id);
        if (token === null) return byId.get(ref.id) ?? null;
        return isAskable(token) ? loadByToken(ref, token, call) : null;
      }),
    );
  };

  const { changes, catalogue } = config;
  const pulled = changes && createChanges(changes, config, list, () => host.now());

  async function check(call: Call) {
    const probes: { name: string; ok: boolean; ms: number }[] = [];
    const probe = async (name: string, run: () => Promise<unknown>) => {
      const since = performance.now();
      await run();
      probes.push({ name, ok: true, ms: Math.round(performance.now() - since) });
    };
    await probe('service list', async () => {
      const answer = await ask({ path: 'services' }, call);
      if (answer === null)
        throw new AdapterError('misconfigured', 'none', 'there is no service list: is baseUrl complete, with its version?');
      if (recordsOf(answer).length === 0)
        throw new AdapterError('misconfigured', 'none', 'the service list is empty: is jurisdiction right?');
    });
    if (config.proveKey) await probe('key of the API', () => proveKey(call));
    if (idempotency !== 'none') await probe('look-up by key', () => findOne(`no such key ${crypto.randomUUID()}`, call));
    // As open requests are looked after; nobody has this id.
    await probe('requests', () => loadById(['0'], call));
    if (pulled) await probe('changes', () => readFirst(pulled, call));
    return { ok: true, probes };
  }

  /** Of requests that are there, everything that a change tells is read. */
  async function readFirst(port: ChangesPort, call: Call): Promise<void> {
    for await (const { items, malformed = [] } of port.pull(null, call)) {
      if (items.length === 0 && malformed[0]) throw new AdapterError('malformed', 'none', `no request can be read: ${malformed[0].reason}`);
      return;
    }
  }

  /** Without service_code nothing can be made of it; a server looks at the key before it says so. */
  async function proveKey(call: Call): Promise<void> {
    const form = new URLSearchParams({
      ...(config.jurisdiction === undefined ? {} : { jurisdiction_id: config.jurisdiction }),
      ...(config.apiKey === undefined ? {} : { api_key: config.apiKey }),
    });
    const refused = await ask({ path: 'requests', form }, call).catch((error: unknown) => {
      if (error instanceof AdapterError && error.kind === 'rejected') return 'refused';
      throw error;
    });
    if (refused !== 'refused' && refused !== null)
      throw new AdapterError('misconfigured', 'unknown', 'the server takes requests without a service_code: set proveKey to false');
  }

  return {
    start: async () => {},
    stop: async () => {},
    check,
    cases: {
      traits: {
        maxBatch: config.maxBatch,
        idempotency: idempotency === 'none' ? 'none' : 'lookup',
        ...(changes ? {} : { pollMs: config.pollEveryMs }),
      },
      submit,
      ...(idempotency === 'none' ? {} : { findByKey: (keys, call) => Promise.all(keys.map((key) => findOne(key, call))) }),
      loadCases,
    },
    ...(pulled ? { changes: pulled } : {}),
    ...(catalogue ? { catalogue: createCatalogue(catalogue, ask) } : {}),
  };
}

/** A comma would make two ids of one; dots alone climb in a path; nobody's id is that long. */
const isAskable = (id: string): boolean => id !== '' && id.length <= 200 && !id.includes(',') && !/^\.{1,2}$/.test(id) && id.isWellFormed();
