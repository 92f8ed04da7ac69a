import { AdapterError, type Health } from '#contract';
import { fail, NoEnd, notApplicable, pass, unverified, type Check, type Finding, type Opened } from '../check.ts';
import type { FaultName } from '../faults.ts';
import { markedTexts } from '../settings.ts';
import { changesByItself } from './observe.ts';
import { drain } from './operations.ts';

/** Time for a check that meets nobody, in milliseconds. */
const DEADLINE_MS = 700;
const GRACE_MS = 250;

const ask = (opened: Opened, deadlineMs?: number): Promise<Health> =>
  opened.read((adapter, call) => adapter.check(call), deadlineMs === undefined ? {} : { deadlineMs });

const healthy: Check = {
  id: 'check.healthy',
  level: 'MUST',
  title: 'check says ok where everything is right, with at least one probe.',
  remedy: 'let check ask the back office a harmless question with the credentials; correct the config where it is at fault',
  async run({ open }) {
    const health = await ask(await open());
    if (!health.ok) {
      const hints = health.probes.filter(({ ok }) => !ok).map(({ name, hint }) => `${name}: ${hint ?? 'no hint'}`);
      return fail('ok', hints.join('; ') || 'not ok, without a probe that says why', healthy.remedy);
    }
    const [probe] = health.probes;
    if (!probe) return fail('at least one probe', 'none', healthy.remedy);
    return health.probes.every(({ ok }) => ok) ? pass : fail('ok only where every probe is', 'ok although a probe is not', healthy.remedy);
  },
};

const badCredentials: Check = {
  id: 'check.bad-credentials',
  level: 'MUST',
  title: 'check tells wrong credentials apart from a healthy back office.',
  remedy: 'ask something in check that needs the credentials and prove whose they are; an empty list proves nothing',
  async run({ open, definition, config }) {
    if (markedTexts(definition, config, 'secret').length === 0) return notApplicable('the config has no secrets');
    try {
      const health = await ask(await open({ wrongSecrets: true }));
      return health.ok ? fail('not ok, or misconfigured', 'ok with secrets that nobody knows', badCredentials.remedy) : withHints(health);
    } catch (error) {
      if (error instanceof AdapterError && error.kind === 'misconfigured') return pass;
      return fail('AdapterError misconfigured', describe(error), 'translate the refusal of credentials to misconfigured');
    }
  },
};

const withHints = ({ probes }: Health): Finding =>
  probes.some(({ ok, hint }) => !ok && hint)
    ? pass
    : fail(
        'a probe with a hint for the staff of the city',
        'not ok, without a hint',
        'give each failing probe a hint that says what to do',
      );

const unreachable: Check = {
  id: 'check.unreachable-within-deadline',
  level: 'MUST',
  title: 'check says so within its deadline where the back office is away or swallows everything.',
  remedy: 'pass call.signal to every wait and let check throw unavailable or answer not ok',
  async run({ open }) {
    const opened = await open();
    for (const name of ['refused', 'timeout'] satisfies FaultName[]) {
      await opened.fault({ name });
      const since = performance.now();
      const problem = await ask(opened, DEADLINE_MS).then(
        (health) => (health.ok ? 'ok' : null),
        (error: unknown) =>
          error instanceof AdapterError && (error.kind === 'unavailable' || error.kind === 'retryable') ? null : describe(error),
      );
      if (problem !== null) return fail(`unavailable or not ok with ${name}`, problem, unreachable.remedy);
      const ms = performance.now() - since;
      if (ms > DEADLINE_MS + GRACE_MS * 2)
        return fail(`an end within ${DEADLINE_MS + GRACE_MS} ms with ${name}`, `${Math.round(ms)} ms`, unreachable.remedy);
    }
    return pass;
  },
};

const writesNothing: Check = {
  id: 'check.writes-nothing',
  level: 'MUST',
  title: 'check changes nothing in the back office.',
  remedy: 'only read in check; test rights by asking for them, not by writing',
  async run({ open, total, noteDoubt }) {
    const opened = await open();
    await opened.fault(null);
    const before = await everything(opened, total);
    await ask(opened);
    const exchanges = opened.exchanges().filter(({ method }) => method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS');
    const after = await everything(opened, total);
    if (before !== after) {
      noteDoubt();
      if (await changesByItself(() => everything(opened, total)))
        return unverified('cases change although nobody here does anything', 'let the kit run while nobody else works in the back office');
      return fail('the same cases before and after', 'others', writesNothing.remedy);
    }
    // What only asks with GET has written nothing, even where nobody can count.
    if (before !== null || exchanges.length === 0) return pass;
    return unverified('nobody can tell whether check changed something', 'say in samples.total how many cases there are');
  },
};

/** What there is, as far as it can be seen; null if nothing can. */
async function everything(opened: Opened, total: () => Promise<number | null>): Promise<string | null> {
  const counted = await total();
  if (counted !== null) return String(counted);
  if (!opened.adapter.changes) return null;
  const changes = await opened.read((adapter, call) => drain(adapter.changes?.pull(null, call)));
  return changes
    .map(({ id }) => id)
    .toSorted()
    .join(' ');
}

/** An error in words that hold nothing but its author's. */
export const describe = (error: unknown): string =>
  error instanceof AdapterError
    ? `AdapterError ${error.kind}, effect ${error.effect}: ${error.message}`
    : error instanceof NoEnd
      ? error.message
      : `${error instanceof Error ? error.name : typeof error} (not an AdapterError)`;

export const healthChecks: readonly Check[] = [healthy, badCredentials, unreachable, writesNothing];
