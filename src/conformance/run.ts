import { AdapterError, contractVersion, HubError, type Adapter } from '#contract';
import { commonContract } from '../cities/load/definition.ts';
import { hashAdapter, type AdapterHash } from '../cities/admission.ts';
import { createRedact, type Redact } from '../cities/redaction.ts';
import { createBench, portNames, type OwnedBench } from './bench.ts';
import { fail, NoEnd, notApplicable, unverified, type Check, type Finding, type PortName } from './check.ts';
import { checks as allChecks } from './checks.ts';
import { openAdapter } from './opened.ts';
import { blocks, type Report, type Result, type Tier, type Waiver } from './report/report.ts';
import { markedTexts } from './settings.ts';
import type { Subject } from './subject.ts';

export interface RunOptions {
  /** @default 'kit' */
  readonly tier?: Tier;
  /** Ids of checks; `*` stands for anything. @default all */
  readonly only?: readonly string[];
  /** @default none */
  readonly waivers?: readonly Waiver[];
  /** Called before and after each check that runs. */
  readonly onCheck?: (check: Check, result: Result | null) => void;
  /** @default the clock */
  readonly now?: () => Date;
  /** When a check is broken off, in milliseconds. @default three minutes in which nothing begins or ends, twenty altogether */
  readonly limits?: CheckLimits;
}

/** When a check is broken off, in milliseconds. */
export interface CheckLimits {
  readonly stillMs: number;
  readonly mostMs: number;
}

/**
 * A check in which nothing begins or ends for so long is broken off, and one that takes so long altogether, in milliseconds. A system that
 * answers in seconds takes its time; calls that do not end are ended one by one, long before.
 */
const STILL_MS = 180_000;
const MOST_MS = 1_200_000;
/** Runs of a check at most that failed and may have done so because of others in the back office. */
const MOST_RUNS = 3;

/** Whether an id matches one of the patterns. */
export const matches = (id: string, patterns: readonly string[]): boolean =>
  patterns.some((pattern) => new RegExp(`^${pattern.replaceAll('.', String.raw`\.`).replaceAll('*', '.*')}$`).test(id));

/** Runs the checks one after the other; each on an adapter and proxies of its own. */
export async function runConformance(subject: Subject, options: RunOptions = {}): Promise<Report> {
  const { only, onCheck } = options;
  const run = createRun(subject, options);
  for (const check of allChecks) {
    if (only && !matches(check.id, only)) continue;
    onCheck?.(check, null);
    // Not inside the optional call: without a listener its arguments would not run.
    const result = await run.check(check);
    onCheck?.(check, result);
  }
  return run.report();
}

/** One run of the kit, check by check. */
export interface Run {
  check(check: Check): Promise<Result>;
  /**
   * About the checks that ran so far.
   * @throws HubError CONFIG_INVALID if the adapter's files have changed meanwhile
   */
  report(): Promise<Report>;
}

export function createRun(
  subject: Subject,
  { tier = 'kit', only, waivers = [], now = () => new Date(), limits = { stillMs: STILL_MS, mostMs: MOST_MS } }: RunOptions = {},
): Run {
  const at = now();
  const since = performance.now();
  // Of the files as they were loaded: the report must not be about others.
  const hash = hashOf(subject);
  const redact = createRedact(markedTexts(subject.definition, subject.config, 'secret').map(({ text }) => text));
  const results: Result[] = [];
  let known: Promise<Introduction> | null = null;
  const introduced = () => (known ??= introduce(subject, redact));

  return {
    async check(check) {
      const introduction = await introduced();
      const begun = performance.now();
      const found = await runCheck(check, subject, introduction, redact, limits);
      const { id, level, title } = check;
      const result = withWaiver(
        { id, level, title, finding: clean(found, redact), ms: Math.round(performance.now() - begun) },
        waivers,
        at,
      );
      results.push(result);
      return result;
    },
    async report() {
      if (hashOf(subject).code !== hash.code)
        throw new HubError('CONFIG_INVALID', {
          de: 'Die Dateien des Adapters haben sich während des Laufs geändert: Was gefunden wurde, gilt für die alten. Starten Sie den Lauf neu.',
          en: 'The files of the adapter changed while the kit ran: what it found is about the old ones. Run it again.',
        });
      const waived = results.flatMap(({ id, waiver, finding }) =>
        waiver && finding.status !== 'pass' ? [{ check: id, expires: waiver.expires }] : [],
      );
      return {
        contract: commonContract(subject.definition.contract) ?? contractVersion,
        product: subject.definition.id,
        version: subject.definition.version,
        hash,
        admitted: only === undefined && results.length > 0 && results.every((result) => !blocks(result)),
        ...(waived.length > 0 ? { waivers: waived } : {}),
        tier,
        system: (await introduced()).system,
        at: at.toISOString(),
        ms: Math.round(performance.now() - since),
        results,
        ...(only ? { only } : {}),
      };
    },
  };
}

/** What is known of an adapter before any check. */
interface Introduction {
  readonly ports: ReadonlySet<PortName>;
  readonly system: string | null;
  /** Why it cannot be opened; null if it can. */
  readonly reason: string | null;
}

/** Which ports there are and what the adapter calls its system; a reason where it cannot even be made. */
async function introduce(subject: Subject, redact: Redact): Promise<Introduction> {
  try {
    const opened = await openAdapter(subject, () => new Date());
    try {
      const { adapter } = opened;
      const system = await opened
        .read((own, call) => own.check(call))
        .then(
          (health) => health.system ?? null,
          () => null,
        );
      return { ports: portsOf(adapter), system, reason: null };
    } finally {
      await opened.dispose();
    }
  } catch (error) {
    return { ports: new Set(), system: null, reason: redact(wordsOf(error)) };
  }
}

const portsOf = (adapter: Adapter): ReadonlySet<PortName> => new Set(portNames.filter((name) => adapter[name] !== undefined));

async function runCheck(
  check: Check,
  subject: Subject,
  { ports, reason }: Introduction,
  redact: Redact,
  limits: CheckLimits,
): Promise<Finding> {
  if (check.port && reason !== null)
    return unverified(`the adapter cannot be opened: ${reason}`, 'make it start with this config against a running back office first');
  if (check.port && !ports.has(check.port)) return notApplicable(`no port ${check.port}`);
  for (let run = 1; ; run += 1) {
    const bench = createBench(subject, ports);
    const found = await runOn(bench, check, redact, limits);
    if (found.status !== 'fail' || !bench.inDoubt() || run === MOST_RUNS) return found;
  }
}

async function runOn(bench: OwnedBench, check: Check, redact: Redact, { stillMs, mostMs }: CheckLimits): Promise<Finding> {
  const slow = Promise.withResolvers<Finding>();
  const since = performance.now();
  const timer = setInterval(
    () => {
      if (performance.now() - bench.movedAt() > stillMs)
        slow.resolve(fail(`a step that ends within ${stillMs / 1000} s`, 'none', 'let every call end when its signal aborts'));
      else if (performance.now() - since > mostMs)
        slow.resolve(
          fail(
            `an end within ${Math.round(mostMs / 60_000)} minutes`,
            'none, although call after call ended',
            'let the kit work with less: a smaller catalogue, fewer cases, or a system that answers sooner',
          ),
        );
    },
    Math.min(1000, stillMs / 4),
  );
  try {
    return await Promise.race([check.run(bench), slow.promise]);
  } catch (error) {
    if (error instanceof HubError)
      return unverified(redact(error.message), 'put the samples or the config right: the check itself could not work');
    return asFailure(check, error, redact);
  } finally {
    clearInterval(timer);
    await bench.clear();
  }
}

/**
 * What a check threw. Faults that it sets itself it catches: one that it does not catch came before its point, where a call that has nothing
 * to do with its promise did not answer, or was refused.
 */
function asFailure(check: Check, error: unknown, redact: Redact): Finding {
  const got = redact(wordsOf(error));
  if (error instanceof NoEnd || (error instanceof AdapterError && (error.kind === 'unavailable' || error.kind === 'retryable')))
    return fail(
      'every call on the way to what is checked is answered in time',
      got,
      'raise limits.timeoutMs in the city’s file if the system is slower than that, or try again when it answers; what the check is about was not reached',
    );
  if (error instanceof AdapterError && error.kind === 'rejected')
    return fail(
      'the back office takes what the check needs',
      got,
      'give applications under samples.valid that it takes, as often as they come; what the check is about was not reached',
    );
  return fail(check.title, got, check.remedy);
}

/** What was thrown, in words without personal data: those of an AdapterError are its author's, of others only the kind and place. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return `${typeof error} was thrown`;
  if (error instanceof AdapterError) return `AdapterError ${error.kind}, effect ${error.effect}: ${error.message}`;
  if (error instanceof NoEnd || error instanceof HubError) return `${error.name}: ${error.message}`;
  const place = /^\s+at .*$/m.exec(error.stack ?? '')?.[0].trim() ?? '';
  return `${error.name} ${place}`.trim();
}

const clean = (finding: Finding, redact: Redact): Finding =>
  Object.fromEntries(Object.entries(finding).map(([name, text]) => [name, redact(text)])) as unknown as Finding;

function withWaiver(result: Result, waivers: readonly Waiver[], at: Date): Result {
  const waiver = waivers.find(({ check }) => check === result.id);
  return waiver ? { ...result, waiver: { ...waiver, expired: at.toISOString().slice(0, 10) > waiver.expires } } : result;
}

/** An adapter that was made in a test has no files of its own. */
const hashOf = ({ module, definition }: Subject): AdapterHash => hashAdapter(module ?? import.meta.url, definition);
