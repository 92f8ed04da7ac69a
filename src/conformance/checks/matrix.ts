import { AdapterError, type AdapterErrorKind, type Receipt } from '#contract';
import { isHttp } from '../proxy/proxy.ts';
import { fail, NoEnd, pass, unverified, type Bench, type Check, type Finding, type Opened } from '../check.ts';
import { httpFaults, RETRY_AFTER_SECONDS, tcpFaults, type Exchange, type Fault, type FaultName } from '../faults.ts';
import { markedTexts } from '../settings.ts';
import { describe } from './health.ts';
import { arrangements, type Operation, type Trial } from './operations.ts';

/** What an adapter may call each fault. */
const kinds: Readonly<Record<Exclude<FaultName, 'echo' | 'odd-record'>, readonly AdapterErrorKind[]>> = {
  refused: ['unavailable', 'retryable'],
  timeout: ['unavailable', 'retryable'],
  'slow-drip': ['unavailable', 'retryable'],
  reset: ['unavailable', 'retryable'],
  'lost-reply': ['unavailable', 'retryable'],
  'cut-body': ['unavailable', 'retryable', 'malformed'],
  '500': ['unavailable', 'retryable'],
  '502-html': ['unavailable', 'retryable'],
  '503-retry-after': ['retryable', 'unavailable'],
  '429': ['retryable'],
  'html-login-page-with-200': ['misconfigured', 'malformed'],
  'wrong-shape': ['malformed', 'misconfigured'],
  'empty-200': ['malformed', 'misconfigured', 'unavailable'],
  '401-midway': ['misconfigured'],
  'tls-expired': ['misconfigured', 'unavailable'],
};

/** Answers whose content is swapped: a method that needs no content may take them for a success. */
const emptied: ReadonlySet<FaultName> = new Set(['wrong-shape', 'empty-200']);
const paused: ReadonlySet<FaultName> = new Set(['503-retry-after', '429']);
/** The call ends with its deadline: it need not be long. */
const endless: ReadonlySet<FaultName> = new Set(['timeout', 'slow-drip']);
const SHORT_MS = 300;
const MOST_EXCHANGES = 4;

type AimedFault = Fault & { readonly name: Exclude<FaultName, 'echo' | 'odd-record'> };

export const faultMatrix: Check = {
  id: 'fault.matrix',
  level: 'MUST',
  title: 'Under every fault, at every exchange of every method, the error has the right kind, an honest effect, and comes in time.',
  remedy:
    'read the table at the head of an adapter of your protocol (adapters/rest/http.ts): what each answer means, for reads and for writes',
  async run(bench) {
    const opened = await bench.open();
    const operations = await arrangements(bench, opened);
    const overHttp = markedTexts(bench.definition, bench.config, 'endpoint').every(({ text }) => isHttp(text));
    const problems: string[] = [];
    const unseen: string[] = [];
    for (const operation of operations) {
      for (const fault of await aimed(operation, opened, overHttp)) problems.push(...(await attempt(operation, opened, fault, unseen)));
    }
    if (overHttp) problems.push(...(await meetExpired(bench)));
    if (problems.length > 0) return broken(problems);
    if (bench.ports.has('cases') && !operations.some(({ name }) => name === 'cases.submit'))
      return unverified('nothing could be submitted', 'give samples.services and samples.valid');
    if (unseen.length > 0)
      return unverified(
        `${unseen[0]}: effect none after the request had reached the back office, and nobody could look`,
        'give samples.count',
      );
    return pass;
  },
};

const broken = (problems: readonly string[]): Finding =>
  fail(
    'the right kind, an honest effect and an end in time under every fault',
    `${problems.slice(0, 6).join(' | ')}${problems.length > 6 ? ` | and ${problems.length - 6} more` : ''}`,
    faultMatrix.remedy,
  );

/** Each fault at each exchange that the method needs, as a call without a fault shows. */
async function aimed(operation: Operation, opened: Opened, overHttp: boolean): Promise<readonly AimedFault[]> {
  const trial = await operation.arrange();
  await opened.fault(null);
  await trial.run();
  const needed = Math.max(1, opened.exchanges().length);
  const places = [...new Set([...Array.from({ length: Math.min(needed, MOST_EXCHANGES) }, (_, index) => index + 1), needed])];
  const names = [...tcpFaults, ...(overHttp ? httpFaults : [])].filter((name) => name !== 'tls-expired');
  return names
    .filter((name) => !(operation.answerless && !operation.writes && emptied.has(name)))
    .flatMap((name) => (name === 'refused' ? [1] : places).map((from) => ({ name, from })));
}

/** What is wrong with one call under one fault. `unseen` is told of a submission that may have landed although the error says not. */
async function attempt(operation: Operation, opened: Opened, fault: AimedFault, unseen: string[]): Promise<readonly string[]> {
  await opened.fault(null);
  const trial = await operation.arrange();
  await opened.fault(fault);
  const what = `${operation.name} with ${fault.name} at exchange ${fault.from ?? 1}`;
  const error = await trial.run(endless.has(fault.name) ? { deadlineMs: SHORT_MS } : {}).then(
    (answer) => (admitsFailure(answer) ? null : { answered: answer }),
    (thrown: unknown) => ({ thrown }),
  );
  const hit = opened.exchanges().some(({ fault: hitBy }) => hitBy !== null) || fault.name === 'refused';
  const reached = opened.exchanges().some((exchange) => exchange.reached && mayWrite(exchange));
  await opened.fault(null);
  if (!hit || error === null) return [];
  if ('answered' in error) {
    if (operation.writes && emptied.has(fault.name) && (await stands(operation, opened, error.answered, trial))) return [];
    return [`${what}: an answer instead of an error`];
  }
  const { thrown } = error;
  if (thrown instanceof NoEnd) return [`${what}: ${thrown.message}`];
  if (!(thrown instanceof AdapterError)) return [`${what}: ${describe(thrown)}`];
  const wrong = judge(what, thrown, fault.name);
  if (!operation.writes || thrown.effect === 'unknown') return wrong;
  const landed = await trial.landed();
  if (landed === null && thrown.effect === 'none' && reached && operation.name === 'cases.submit') unseen.push(what);
  if (landed === true && thrown.effect === 'none') return [...wrong, `${what}: effect none, but the back office has it`];
  if (landed === false && thrown.effect === 'done') return [...wrong, `${what}: effect done, but the back office does not have it`];
  return wrong;
}

/** Of a protocol that is not HTTP any exchange may. */
const mayWrite = ({ method }: Exchange): boolean => method !== 'GET' && method !== 'HEAD';

function judge(what: string, { kind, message, retryAfterMs }: AdapterError, fault: AimedFault['name']): readonly string[] {
  if (!kinds[fault].includes(kind)) return [`${what}: ${kind} (“${message}”) instead of ${kinds[fault].join(' or ')}`];
  if (paused.has(fault) && retryAfterMs !== RETRY_AFTER_SECONDS * 1_000)
    return [`${what}: retryAfterMs ${retryAfterMs ?? 'absent'} instead of the ${RETRY_AFTER_SECONDS * 1_000} that Retry-After asks for`];
  return [];
}

/** A write whose answer lost its content succeeded all the same, where it needs none of it, or what it returned is really there. */
async function stands(operation: Operation, opened: Opened, answer: unknown, trial: Trial): Promise<boolean> {
  if (operation.answerless) return (await trial.landed()) !== false;
  const { ref } = (answer ?? {}) as Partial<Receipt>;
  if (typeof ref?.id !== 'string') return false;
  const [found] = await opened.read(async ({ cases }, call) => cases?.loadCases([ref], call) ?? []);
  return found !== null && found !== undefined && !(found instanceof Error);
}

/** An answer that says itself that it is none: a check that is not ok, a batch whose elements are all errors. */
function admitsFailure(answer: unknown): boolean {
  if (Array.isArray(answer)) return answer.length > 0 && answer.every((element) => element instanceof AdapterError);
  return answer !== null && typeof answer === 'object' && 'ok' in answer && answer.ok === false;
}

/** Behind an expired certificate nothing may be read and nothing sent. */
async function meetExpired(bench: Bench): Promise<readonly string[]> {
  try {
    const opened = await bench.open({ tlsExpired: true });
    const health = await opened.read((adapter, call) => adapter.check(call));
    return health.ok ? ['check with tls-expired: ok behind an expired certificate'] : [];
  } catch (error) {
    if (!(error instanceof AdapterError)) return [`check with tls-expired: ${describe(error)}`];
    return judge('check with tls-expired', error, 'tls-expired');
  }
}
