import { AdapterError, type Adapter, type Batch, type Call, type CaseRef, type CaseSnapshot, type Health, type Host } from '#contract';
import { createReadLog } from './case-log.ts';
import type { FitConnectConfig } from './config.ts';
import { createDirectory, jsonSchemas, type Directory } from './directory.ts';
import { standingOf, type SubmissionEvent } from './events.ts';
import { createAsk } from './http.ts';
import { createKeyedTurns } from './keyed-turns.ts';
import { parseRef, toSnapshot } from './mapping.ts';
import { problemName, problemText } from './problems.ts';
import { createRouting, type Routing } from './routing.ts';
import { createSubmit } from './submit.ts';
import { createWebhook } from './webhook.ts';

/** Event logs are read one by one; so many are asked for at a time. */
const AT_A_TIME = 4;
const MAX_BATCH = 20;
const MOST_TOLD = 1000;

/** The city's destination as a back office. How one key stays one submission: submit.ts. What its states mean: events.ts. */
export function createFitConnect(config: FitConnectConfig, host: Host): Adapter {
  const ask = createAsk(config, host);
  const directory = createDirectory(ask, () => host.now());
  const readLog = createReadLog(ask, directory, config.issuer ?? config.submissionUrl);
  const routing = config.routing && createRouting(config.routing, config.submissionUrl, host);
  const submit = createSubmit({ config, host, ask, directory, readLog, ...(routing ? { routing } : {}) });
  const inTurn = createKeyedTurns();
  const told = new Set<string>();

  /** Once per rejection: what the city's staff need to find the cause. Not its details, which may quote the applicant. */
  function tellProblems(caseId: string, events: readonly SubmissionEvent[]): void {
    const { state, by } = standingOf(events);
    if (state !== 'rejected' || !by || told.has(by.id)) return;
    if (told.size >= MOST_TOLD) told.clear();
    told.add(by.id);
    for (const problem of by.problems)
      host.log('warn', 'the city rejected a submission', {
        case: caseId,
        problem: problemName(problem),
        meaning: problemText(problem).en ?? '',
      });
  }

  async function loadOne(ref: CaseRef, call: Call): Promise<CaseSnapshot | null | AdapterError> {
    const sent = parseRef(ref);
    if (!sent) return null;
    try {
      const events = await readLog(sent, call);
      if (!events) return null;
      const snapshot = toSnapshot(ref, sent, events);
      tellProblems(sent.caseId, events);
      return snapshot;
    } catch (error) {
      // A log that cannot be believed, and one whose key the city took away, concern this case alone.
      if (error instanceof AdapterError && (error.kind === 'malformed' || error.kind === 'misconfigured')) return error;
      throw error;
    }
  }

  async function loadCases(refs: readonly CaseRef[], call: Call): Promise<Batch<CaseSnapshot>> {
    const loaded: (CaseSnapshot | null | AdapterError)[] = [];
    for (let at = 0; at < refs.length; at += AT_A_TIME)
      loaded.push(...(await Promise.all(refs.slice(at, at + AT_A_TIME).map((ref) => loadOne(ref, call)))));
    // Where not one log can be read it is the delivery service, not the cases.
    const errors = loaded.filter((one) => one instanceof AdapterError);
    if (errors[0] && errors.length === refs.length) throw errors[0];
    return loaded;
  }

  return {
    start: async () => {},
    stop: async () => directory.forget(),
    check: (call) => check(config, { directory, routing }, call),
    cases: {
      traits: { maxBatch: MAX_BATCH, idempotency: 'steps', attachments: config.attachments, pollMs: config.pollEveryMs },
      submit: (application, call) => inTurn(call.key, () => submit(application, call)),
      loadCases,
    },
    ...(config.callbackSecret === undefined ? {} : { webhook: createWebhook(config.callbackSecret, readLog, host) }),
  };
}

/** One question after the other: where the address or the client is wrong, the rest would only repeat it. */
async function check(
  config: FitConnectConfig,
  { directory, routing }: { readonly directory: Directory; readonly routing: Routing | undefined },
  call: Call,
): Promise<Health> {
  const probes: { name: string; ok: boolean; ms: number; hint?: string }[] = [];
  const probe = async (name: string, question: () => Promise<string | null>) => {
    const since = performance.now();
    const hint = await question();
    probes.push({ name, ok: hint === null, ms: Math.round(performance.now() - since), ...(hint === null ? {} : { hint }) });
  };
  directory.forget();
  await probe('credentials and event keys', async () =>
    (await directory.countServiceKeys(call)) > 0
      ? null
      : 'the delivery service publishes no key of 4096 bits: its events could not be believed',
  );
  const { destination } = config;
  if (destination !== undefined) {
    await probe('destination', async () => {
      const { status, publicServices } = await directory.destination(destination, call);
      if (status !== 'active') return `config.destination: the destination is ${status}; the city must activate it`;
      const schemas = publicServices.flatMap(jsonSchemas);
      if (schemas.length === 0) return 'config.destination: the destination takes no service as JSON';
      const wanted = config.submissionSchema;
      if (wanted === undefined || schemas.includes(wanted)) return null;
      return `config.submissionSchema: the destination does not take it; it takes ${[...new Set(schemas)].slice(0, 5).join(', ')}`;
    });
    await probe('encryption key', async () => {
      const { encryptionKid } = await directory.destination(destination, call);
      await directory.encryptionKey(destination, encryptionKid, call);
      return null;
    });
  }
  if (routing) await probe('routing', () => routing.check(call));
  return { ok: probes.every(({ ok }) => ok), system: 'FIT-Connect Submission API', probes };
}
