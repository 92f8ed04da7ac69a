import {
  AdapterError,
  isInFuture,
  latestMoment,
  placeToSave,
  readChanges,
  type Adapter,
  type Batch,
  type Call,
  type CasePort,
  type CaseRef,
  type Health,
  type Host,
  type Json,
} from '#contract';
import type { RedmineConfig } from './config.ts';
import { createAsk } from './http.ts';
import {
  earlier,
  idOf,
  issueOf,
  issuesOf,
  keyOf,
  parseCursor,
  preformatted,
  toChange,
  toCursor,
  toIssue,
  toIssueShown,
  toMoment,
  toRef,
  toSnapshot,
  type Issue,
} from './mapping.ts';

/*
 * Three habits of Redmine shape this client:
 *
 * 1. An unknown key is answered by GET with 200 and an empty list, as to an anonymous visitor. "No such case" is believed
 *    only after the key has proved to be someone's.
 * 2. A filter it does not know is ignored: everything matches. So each issue found by key is looked at again, and `check`
 *    asks for a key that cannot exist.
 * 3. An unknown tracker or status is accepted without a word and without effect. So `check` compares ids, and a withdrawal
 *    reads back what it wrote.
 *
 * Submitting looks for the key first: the same key makes one issue, as long as its calls do not overlap, and the hub makes
 * one call per key at a time.
 */

/** Redmine's own limit for a page. */
const PAGE = 100;
/** An issue becomes visible when its transaction ends, which may be after later ones were read. */
const OVERLAP_MS = 10_000;

const issueId = /^[1-9]\d{0,8}$/;

export function createRedmine(config: RedmineConfig, host: Host): Adapter {
  const ask = createAsk(config, host);
  const search = (filters: Record<string, string>) =>
    `/issues.json?${new URLSearchParams({ status_id: '*', limit: String(PAGE), ...filters })}`;

  async function proveIdentity(call: Call): Promise<string> {
    const { status, body } = await ask('GET', '/users/current.json', call);
    const login = (body as { user?: { login?: unknown } } | null)?.user?.login;
    if (status !== 200 || typeof login !== 'string') throw new AdapterError('misconfigured', 'none', 'the API key belongs to nobody');
    return login;
  }

  async function listIssues(filters: Record<string, string>, call: Call): Promise<readonly Json[]> {
    const issues = issuesOf(await ask('GET', search(filters), call));
    if (issues.length === 0) await proveIdentity(call);
    return issues;
  }

  async function findByKey(keys: readonly string[], call: Call): Promise<Batch<CaseRef>> {
    const found = await listIssues({ [`cf_${config.keyField}`]: keys.join('|'), sort: 'id' }, call);
    const wanted = new Set(keys);
    if (found.some((issue) => !wanted.has(keyOf(issue, config.keyField) ?? '')))
      throw new AdapterError(
        'misconfigured',
        'none',
        `the custom field ${config.keyField} is not used as a filter: Redmine found other issues too`,
      );
    return keys.map((key) => {
      const issue = found.find((candidate) => keyOf(candidate, config.keyField) === key);
      return issue === undefined ? null : toRef(toIssueShown(issue));
    });
  }

  async function readIssue(id: string, call: Call): Promise<Issue> {
    const reply = await ask('GET', `/issues/${encodeURIComponent(id)}.json`, call);
    if (reply.status === 404) throw new AdapterError('rejected', 'none', 'Redmine does not have this issue any more');
    return issueOf(reply, 'none');
  }

  /** Reads what a write before it may have changed: where that fails, the write may still have landed. */
  async function readBack(id: string, call: Call): Promise<Issue> {
    try {
      return await readIssue(id, call);
    } catch (error) {
      if (error instanceof AdapterError) throw afterWrite(error);
      throw error;
    }
  }

  const withdraw =
    (status: string): NonNullable<CasePort['withdraw']> =>
    async (ref, reason, call) => {
      if ((await readIssue(ref.id, call)).status.name === status) return;
      const statuses = (await ask('GET', '/issue_statuses.json', call)).body as {
        issue_statuses?: readonly { id: number; name: string }[];
      } | null;
      const known = statuses?.issue_statuses?.find(({ name }) => name === status);
      if (!known) throw new AdapterError('misconfigured', 'none', 'withdrawnStatus is not a status of this Redmine');
      const notes = `Von der antragstellenden Person zurückgezogen.${reason ? `\n\n${preformatted(reason)}` : ''}`;
      const reply = await ask('PUT', `/issues/${encodeURIComponent(ref.id)}.json`, call, { issue: { status_id: known.id, notes } });
      if (reply.status === 404) throw new AdapterError('rejected', 'none', 'Redmine does not have this issue any more');
      if ((await readBack(ref.id, call)).status.name !== status)
        throw new AdapterError(
          'misconfigured',
          'done',
          'the workflow does not let the hub’s account set withdrawnStatus; the note was added',
        );
    };

  return {
    start: async () => {},
    stop: async () => {},
    check: (call) => check(config, { ask, proveIdentity, listIssues }, call),
    cases: {
      traits: { maxBatch: PAGE, idempotency: 'lookup' },
      findByKey,
      async submit(application, call) {
        const [known] = await findByKey([call.key], call);
        if (known && !(known instanceof Error)) return { ref: known, taken: 'now', replayed: true };
        const reply = await ask('POST', '/issues.json', call, toIssue(application, call.key, config));
        if (reply.status === 404) throw new AdapterError('misconfigured', 'none', 'there is no Redmine under baseUrl');
        const issue = issueOf(reply, 'unknown');
        if (keyOf(issue, config.keyField) !== call.key)
          throw new AdapterError(
            'misconfigured',
            'done',
            `issue ${issue.id} was made without its key: is the custom field ${config.keyField} one of the tracker?`,
          );
        return { ref: toRef(issue), taken: 'now', replayed: false };
      },
      async loadCases(refs, call) {
        // One id that is no number would make Redmine refuse the whole list.
        const ids = refs.map(({ id }) => id).filter((id) => issueId.test(id));
        const found = ids.length === 0 ? [] : await listIssues({ issue_id: ids.join(',') }, call);
        return refs.map(({ id }) => {
          const issue = found.find((candidate) => idOf(candidate) === id);
          try {
            return issue === undefined ? null : toSnapshot(toIssueShown(issue));
          } catch (error) {
            if (error instanceof AdapterError) return error;
            throw error;
          }
        });
      },
      ...(config.withdrawnStatus === undefined ? {} : { withdraw: withdraw(config.withdrawnStatus) }),
    },
    changes: {
      traits: { ordering: 'per-case', overlapMs: OVERLAP_MS, everyMs: config.pullEveryMs, cursors: 'safe' },
      cursorAt: (moment) => toMoment(moment),
      async *pull(from, call) {
        // Pages by time, not by offset: an issue that changes during the pull moves to the end, and an offset would skip its neighbour.
        let { since, skip } = from === null ? { since: toMoment(new Date(0)), skip: 0 } : parseCursor(from);
        if (isInFuture(Date.parse(since), host.now())) [since, skip] = [toMoment(new Date(0)), 0];
        const start = since;
        for (let full = true; full;) {
          const filters = {
            project_id: config.project,
            [`cf_${config.keyField}`]: '*',
            sort: 'updated_on,id',
            offset: String(skip),
            updated_on: `>=${since}`,
          };
          const issues = await listIssues(filters, call);
          full = issues.length === PAGE;
          const ours = issues.filter((issue) => keyOf(issue, config.keyField) !== null);
          const { items, malformed } = await readChanges(ours, (issue) => toChange(toIssueShown(issue)), idOf);
          const latest = latestMoment(
            items.map(({ updatedAt }) => updatedAt.getTime()),
            Date.parse(since),
            host.now(),
          );
          const last = toMoment(new Date(latest));
          if (full) [since, skip] = last === since ? [since, skip + PAGE] : [last, 0];
          else {
            // From where this pull began, not from its last page: the overlap may reach back over several.
            const back = earlier(last, OVERLAP_MS);
            [since, skip] = [back > start ? back : start, 0];
          }
          const place = toMoment(new Date(placeToSave(Date.parse(since), host.now())));
          yield { items, malformed, next: toCursor({ since: place, skip: place === since ? skip : 0 }) };
        }
      },
    },
  };
}

const afterWrite = ({ kind, message, retryAfterMs, cause }: AdapterError): AdapterError =>
  new AdapterError(kind, 'unknown', message, { ...(retryAfterMs === undefined ? {} : { retryAfterMs }), cause });

interface Questions {
  readonly ask: ReturnType<typeof createAsk>;
  proveIdentity: (call: Call) => Promise<string>;
  listIssues: (filters: Record<string, string>, call: Call) => Promise<readonly Json[]>;
}

/** One question after the other: where the address or the key is wrong, the rest would only repeat it. */
async function check(config: RedmineConfig, { ask, proveIdentity, listIssues }: Questions, call: Call): Promise<Health> {
  const probes: { name: string; ok: boolean; ms: number; hint?: string }[] = [];
  const probe = async (name: string, question: () => Promise<string | null>) => {
    const since = performance.now();
    const hint = await question();
    probes.push({ name, ok: hint === null, ms: Math.round(performance.now() - since), ...(hint === null ? {} : { hint }) });
  };
  await probe('credentials', async () => {
    await proveIdentity(call);
    return null;
  });
  await probe('project and tracker', async () => {
    const { status, body } = await ask('GET', `/projects/${encodeURIComponent(config.project)}.json?include=trackers`, call);
    if (status === 404) return `config.project: Redmine knows no project ${config.project} that this account may see`;
    const trackers = (body as { project?: { trackers?: readonly { id: number; name: string }[] } } | null)?.project?.trackers ?? [];
    if (trackers.some(({ id }) => id === config.tracker)) return null;
    return `config.tracker: ${config.tracker} is not a tracker of ${config.project}; it has ${trackers.map(({ id, name }) => `${id} (${name})`).join(', ') || 'none'}`;
  });
  await probe('key field', async () => {
    const found = await listIssues({ [`cf_${config.keyField}`]: `no such key ${crypto.randomUUID()}` }, call);
    if (found.length > 0) return `config.keyField: ${config.keyField} is not a custom field that is “used as a filter”; Redmine ignores it`;
    return null;
  });
  if (config.withdrawnStatus !== undefined) {
    await probe('withdrawn status', async () => {
      const { body } = await ask('GET', '/issue_statuses.json', call);
      const names = ((body as { issue_statuses?: readonly { name: string }[] } | null)?.issue_statuses ?? []).map(({ name }) => name);
      return names.includes(config.withdrawnStatus ?? '') ? null : `config.withdrawnStatus: Redmine has ${names.join(', ')}`;
    });
  }
  return { ok: probes.every(({ ok }) => ok), system: 'Redmine', probes };
}
