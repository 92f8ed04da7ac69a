import { createHash } from 'node:crypto';
import {
  AdapterError,
  type Adapter,
  type Attachment,
  type Batch,
  type Call,
  type CasePort,
  type CaseRef,
  type CaseSnapshot,
  type Health,
  type Host,
  type Json,
} from '#contract';
import { createChanges } from './changes.ts';
import { compare } from './compare.ts';
import { mentions, type SoapConfig } from './config.ts';
import { createAsk } from './http.ts';
import { at, listAt, scalar, toRef, toSnapshot, toSource } from './mapping.ts';
import { readWsdl } from './wsdl.ts';

/*
 * A document/literal SOAP service, described by the city's file: own envelopes for the few operations used, since what
 * libraries make of a real WSDL differs from service to service. The WSDL is read by `check` alone, which compares it with
 * the file; a service whose WSDL is away still works.
 */
export function createSoap(config: SoapConfig, host: Host): Adapter {
  const ask = createAsk(config, host);
  const { operations, case: fields, idempotency } = config;
  const changes = operations.changes && createChanges(operations.changes, config, ask, () => host.now());
  const lookup = idempotency === 'lookup' ? operations.find : undefined;

  async function findOne(key: string, call: Call): Promise<CaseRef | null> {
    if (!operations.find)
      throw new AdapterError('unsupported', 'none', 'this service cannot be asked for a key: it has no operations.find');
    const found = listAt(await ask(operations.find, { key }, call), operations.find.items);
    const { key: keyAt } = operations.find;
    // A filter that a service does not know finds everything: never take somebody else's case.
    if (found.some((item) => scalar(at(item, keyAt)) !== key))
      throw new AdapterError(
        'misconfigured',
        'none',
        'operations.find finds cases with other keys: the service ignores the element, or operations.find.key is wrong',
      );
    return found[0] === undefined ? null : toRef(found[0], fields);
  }

  const submit: CasePort['submit'] = async (application, call) => {
    const before = lookup ? await findOne(call.key, call) : null;
    if (before) return { ref: before, taken: 'now', replayed: true };
    const attachments = await Promise.all((application.attachments ?? []).map((one) => toBase64(one, call)));
    const body = await ask(operations.submit, toSource(application, call.key, attachments), call, true);
    return { ref: toRef(at(body, fields.in), fields, 'unknown'), taken: 'now', replayed: false };
  };

  async function loadOne({ id }: CaseRef, call: Call): Promise<CaseSnapshot | null | AdapterError> {
    try {
      const [found] = listAt(await ask(operations.load, { id }, call), operations.load.items);
      return found === undefined ? null : toSnapshot(found, config, host.now());
    } catch (error) {
      if (error instanceof AdapterError && error.kind === 'malformed') return error;
      throw error;
    }
  }

  const loadCases = async (refs: readonly CaseRef[], call: Call): Promise<Batch<CaseSnapshot>> => {
    if (!mentions(operations.load.fields, '/ids')) return Promise.all(refs.map((ref) => loadOne(ref, call)));
    const body = await ask(operations.load, { ids: refs.map(({ id }) => ({ id })) }, call);
    const found = new Map(listAt(body, operations.load.items).map((item) => [scalar(at(item, fields.id)), item]));
    return refs.map(({ id }) => {
      const item = found.get(id);
      try {
        return item === undefined ? null : toSnapshot(item, config, host.now());
      } catch (error) {
        if (error instanceof AdapterError) return error;
        throw error;
      }
    });
  };

  const withdraw =
    (operation: NonNullable<SoapConfig['operations']['withdraw']>): NonNullable<CasePort['withdraw']> =>
    async ({ id }, reason, call) => {
      if ((await ask(operation, { id, reason, key: call.key }, call, true)) === null)
        throw new AdapterError('rejected', 'none', 'the service does not have this case any more');
    };

  /** One question after the other: where the address or the credentials are wrong, the rest would only repeat it. */
  async function check(call: Call): Promise<Health> {
    const probes: { name: string; ok: boolean; ms: number; hint?: string }[] = [];
    const probe = async (name: string, question: () => Promise<string | null>) => {
      const since = performance.now();
      const hint = await question();
      probes.push({ name, ok: hint === null, ms: Math.round(performance.now() - since), ...(hint === null ? {} : { hint }) });
    };
    if (config.wsdl !== 'none')
      await probe('WSDL', async () => {
        const complaints = compare(config, await readWsdl(config, host, call));
        return complaints.length === 0 ? null : complaints.slice(0, 20).join('; ');
      });
    // Asked otherwise than the WSDL has it, a service refuses for reasons that say nothing about the credentials.
    if (!probes.every(({ ok }) => ok)) return { ok: false, system: `SOAP ${config.version}`, probes };
    await probe(lookup ? 'credentials and look-up by key' : 'credentials', async () => {
      const nobody = `no such key ${crypto.randomUUID()}`;
      if (operations.find) await findOne(nobody, call);
      else if (changes) await changes.pull(null, call)[Symbol.asyncIterator]().next();
      else await loadCases([{ id: '0' }], call);
      return null;
    });
    return { ok: true, system: `SOAP ${config.version}`, probes };
  }

  return {
    start: async () => {},
    stop: async () => {},
    check,
    cases: {
      traits: {
        maxBatch: operations.load.maxBatch,
        idempotency,
        ...(config.attachments ? { attachments: config.attachments } : {}),
      },
      submit,
      ...(operations.find ? { findByKey: (keys, call) => Promise.all(keys.map((key) => findOne(key, call))) } : {}),
      loadCases,
      ...(operations.withdraw ? { withdraw: withdraw(operations.withdraw) } : {}),
    },
    ...(changes ? { changes } : {}),
  };
}

/** An attachment with its content, proven to be what was announced. */
async function toBase64(attachment: Attachment, call: Call): Promise<Json> {
  const { id, name, mediaType, bytes, sha256 } = attachment;
  const chunks: Uint8Array[] = [];
  for await (const chunk of attachment.open()) {
    call.signal.throwIfAborted();
    chunks.push(chunk);
  }
  const content = Buffer.concat(chunks);
  if (createHash('sha256').update(content).digest('hex') !== sha256.toLowerCase())
    throw new AdapterError('retryable', 'none', 'an attachment could not be read whole: nothing was sent');
  return { id, name, mediaType, bytes, sha256, content: content.toString('base64') };
}
