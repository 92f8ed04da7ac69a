import {
  AdapterError,
  type Adapter,
  type Batch,
  type Call,
  type CasePort,
  type CaseRef,
  type CaseSnapshot,
  type Health,
  type Host,
} from '#contract';
import { createChanges } from './changes.ts';
import { casesOf, type CasesConfig, type GraphqlConfig } from './config.ts';
import { createAsk, type Ask } from './http.ts';
import { listAt, refuseProblems, toRef, toSnapshot, toSource, toVariables } from './mapping.ts';
import { at, scalar } from './pointer.ts';
import { createRows } from './rows.ts';
import { introspect, misfits } from './types.ts';

/** Applications, by the operations of the city's file. */
function createCases(config: CasesConfig, withdrawal: GraphqlConfig['withdraw'], ask: Ask): { port: CasePort; findOne: FindOne | null } {
  const { idempotency, case: fields } = config;
  const lookup = typeof idempotency === 'object' ? idempotency.lookup : null;

  async function findOne(key: string, call: Call): Promise<CaseRef | null> {
    if (!lookup) throw new AdapterError('unsupported', 'none', 'this back office cannot be asked for a key');
    const { data, failed } = await ask(lookup.document, toVariables(lookup.variables, { key }), call, { lenient: true });
    if (failed) throw failed;
    const found = listAt(data, lookup.items);
    // Where a filter is ignored, everything is found: never take somebody else's case.
    if (found.some((item) => at(item, lookup.key) !== key))
      throw new AdapterError(
        'misconfigured',
        'none',
        'idempotency.lookup finds cases with other keys: its filter is ignored, or idempotency.lookup.key is wrong',
      );
    return found[0] === undefined ? null : toRef(found[0], fields);
  }

  const submit: CasePort['submit'] = async (application, call) => {
    const before = lookup ? await findOne(call.key, call) : null;
    if (before) return { ref: before, taken: 'now', replayed: true };
    const { document, variables, problems, replayed } = config.submit;
    const { data } = await ask(document, toVariables(variables, toSource(application, call.key)), call);
    refuseProblems(data, problems, variables);
    const ref = toRef(at(data, config.submit.at), fields, 'unknown');
    return { ref, taken: 'now', replayed: replayed !== undefined && at(data, replayed) === true };
  };

  const loadCases = async (refs: readonly CaseRef[], call: Call): Promise<Batch<CaseSnapshot>> => {
    if (refs.length === 0) return [];
    const { load } = config;
    const { data, failed } = await ask(load.document, toVariables(load.variables, { ids: refs.map(({ id }) => id) }), call, {
      lenient: true,
    });
    if (failed && !Array.isArray(at(data, load.items))) throw failed;
    const found = new Map(listAt(data, load.items).map((item) => [scalar(at(item, fields.id)), item]));
    return refs.map(({ id }) => {
      const item = found.get(id);
      if (item === undefined) return failed;
      try {
        return toSnapshot(item, fields);
      } catch (error) {
        if (error instanceof AdapterError) return error;
        throw error;
      }
    });
  };

  const withdraw =
    ({ document, variables, at: place, problems }: NonNullable<GraphqlConfig['withdraw']>): NonNullable<CasePort['withdraw']> =>
    async ({ id }, reason, call) => {
      const { data } = await ask(document, toVariables(variables, { id, reason, key: call.key }), call);
      refuseProblems(data, problems, variables);
      if ((at(data, place) ?? null) === null)
        throw new AdapterError('rejected', 'none', 'the back office does not have this case any more');
    };

  return {
    port: {
      traits: { maxBatch: config.load.maxBatch, idempotency: lookup ? 'lookup' : idempotency === 'none' ? 'none' : 'native' },
      submit,
      ...(lookup ? { findByKey: (keys, call) => Promise.all(keys.map((key) => findOne(key, call))) } : {}),
      loadCases,
      ...(withdrawal ? { withdraw: withdraw(withdrawal) } : {}),
    },
    findOne: lookup ? findOne : null,
  };
}

type FindOne = (key: string, call: Call) => Promise<CaseRef | null>;

/** A back office with a GraphQL API: the city's file has the operations, and says where their answers have what. */
export function createGraphql(config: GraphqlConfig, host: Host): Adapter {
  const ask = createAsk(config, host);
  const applications = casesOf(config);
  const cases = applications && createCases(applications, config.withdraw, ask);
  const findOne = cases?.findOne;

  async function check(call: Call): Promise<Health> {
    const probes: { name: string; ok: boolean; ms: number; hint?: string }[] = [];
    const probe = async (name: string, run: () => Promise<string | null>) => {
      const since = performance.now();
      const hint = await run();
      probes.push({ name, ok: hint === null, ms: Math.round(performance.now() - since), ...(hint === null ? {} : { hint }) });
    };
    await probe('credentials', async () => {
      const { failed } = await ask(config.health.document, {}, call);
      if (failed) throw failed;
      return null;
    });
    if (findOne) await probe('look-up by key', async () => (await findOne(`no such key ${crypto.randomUUID()}`, call), null));
    await probe('documents and types', async () => {
      const schema = await introspect(ask, call);
      if (schema === null) return null;
      const problems = misfits(config, schema);
      return problems.length === 0 ? null : problems.slice(0, 5).join('; ');
    });
    return { ok: probes.every(({ ok }) => ok), probes };
  }

  return {
    start: async () => {},
    stop: async () => {},
    check,
    ...(cases ? { cases: cases.port } : {}),
    ...(config.changes && applications ? { changes: createChanges(config.changes, applications.case, ask, () => host.now()) } : {}),
    ...(config.rows ? { rows: createRows(config.rows, ask) } : {}),
  };
}
