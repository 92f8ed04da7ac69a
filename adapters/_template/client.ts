import {
  AdapterError,
  latestMoment,
  placeToSave,
  readChanges,
  savedPlace,
  type Adapter,
  type Call,
  type CasePort,
  type CaseRef,
  type ChangesPort,
  type Health,
  type Host,
  type Json,
} from '#contract';
import type { TicketingConfig } from './config.ts';
import { createAsk, type Ask } from './http.ts';
import {
  idOf,
  isTicketId,
  parseCursor,
  referenceOf,
  ticketsIn,
  toChange,
  toCursor,
  toRef,
  toSnapshot,
  toTicket,
  toTicketShown,
} from './mapping.ts';

/** Tickets that one question may ask for. */
const PAGE = 50;
/** A ticket becomes visible when its transaction ends, which may be after later ones were read: each pull reaches back. */
const OVERLAP_MS = 10_000;

/**
 * Duty: `createTicketing` does nothing but make the adapter. No request, no timer, no file before `start`; nothing is kept in
 * memory that a retry would need, for the next attempt may run in another process.
 */
export function createTicketing(config: TicketingConfig, host: Host): Adapter {
  const ask = createAsk(config, host);
  const list = (query: Readonly<Record<string, string>>, call: Call) => listTickets(ask, query, call);

  /** Duty: only a ticket that carries the key is believed. Where a filter is ignored, everything is found. */
  async function findOne(key: string, call: Call): Promise<CaseRef | null> {
    const found = await list({ reference: key, limit: '2' }, call);
    if (found.some((ticket) => referenceOf(ticket) !== key))
      throw new AdapterError('misconfigured', 'none', 'the search by reference finds other tickets: is it a filter of this version?');
    return found[0] === undefined ? null : toRef(toTicketShown(found[0]));
  }

  const cases: CasePort = {
    // native: the API itself makes one ticket of one key (send it in its header, drop findByKey).
    // lookup: it can be asked for the key. steps: neither, but what call.step remembers is
    // enough. none: what may have landed waits for a person. See docs/reference/contract.md
    traits: { maxBatch: PAGE, idempotency: 'lookup' },

    /** Duty: same key, same ticket. The hub runs one call per key at a time, so looking first is enough. */
    async submit(application, call) {
      const known = await findOne(call.key, call);
      if (known) return { ref: known, taken: 'now', replayed: true };
      const { status, body } = await ask('POST', '/api/tickets', call, toTicket(application, call.key, config));
      if (status === 404) throw new AdapterError('misconfigured', 'none', 'there is no Ticketing under baseUrl');
      // The ticket is there, but its answer cannot be read: effect unknown.
      return { ref: toRef(toTicketShown(body, 'unknown')), taken: 'now', replayed: false };
      // A second request (a document, a comment) goes into `call.step('document 1', …)`: a retry then skips what is done.
    },

    findByKey: (keys, call) => Promise.all(keys.map((key) => findOne(key, call))),

    /** Duty: same length and order as `refs`; null where there is none; an odd id does not take the others with it. */
    async loadCases(refs, call) {
      const ids = [...new Set(refs.map(({ id }) => id).filter(isTicketId))];
      const found = ids.length === 0 ? [] : await list({ ids: ids.join(','), limit: String(PAGE) }, call);
      const byId = new Map(found.map((ticket) => [idOf(ticket), ticket]));
      return refs.map(({ id }) => {
        const ticket = byId.get(id);
        try {
          return ticket === undefined ? null : toSnapshot(toTicketShown(ticket));
        } catch (error) {
          if (error instanceof AdapterError) return error;
          throw error;
        }
      });
    },
    ...(config.withdrawnStatus === undefined ? {} : { withdraw: withdraw(config.withdrawnStatus, ask) }),
  };

  return {
    // Sockets of your own (SQL, SFTP) are opened here or later, and closed in stop. host.fetch needs neither.
    start: async () => {},
    stop: async () => {},
    check: (call) => check(config, ask, call),
    cases,
    changes: createChanges(config, list, () => host.now()),
  };
}

async function listTickets(ask: Ask, query: Readonly<Record<string, string>>, call: Call): Promise<readonly Json[]> {
  const { status, body } = await ask('GET', `/api/tickets?${new URLSearchParams(query)}`, call);
  if (status === 404) throw new AdapterError('misconfigured', 'none', 'there is no Ticketing under baseUrl');
  return ticketsIn(body);
}

/** Duty: withdrawing twice is withdrawing once, and succeeds. */
const withdraw =
  (withdrawn: string, ask: Ask): NonNullable<CasePort['withdraw']> =>
  async ({ id }, reason, call) => {
    const gone = () => new AdapterError('rejected', 'none', 'Ticketing does not have this ticket any more');
    if (!isTicketId(id)) throw gone();
    const before = await ask('GET', `/api/tickets/${id}`, call);
    if (before.status === 404) throw gone();
    if (toTicketShown(before.body).status === withdrawn) return;
    const { status, body } = await ask('PUT', `/api/tickets/${id}/status`, call, { status: withdrawn, note: reason });
    if (status === 404) throw gone();
    // Some systems accept a status they do not know, and keep the old one.
    if (toTicketShown(body, 'unknown').status !== withdrawn)
      throw new AdapterError('misconfigured', 'unknown', 'Ticketing did not take withdrawnStatus: is it one of its statuses?');
  };

/**
 * Duty: every change at least once, oldest first; `next` of each page is a safe place to start again, after a crash too. The
 * next page begins at the moment of the last ticket, not at an offset: a ticket that changes meanwhile moves to the end, and
 * an offset would skip its neighbour. Only where one moment fills a whole page is an offset used.
 *
 * Duty: one ticket that cannot be read leaves the others alone (`readChanges` names it under `malformed`), and a moment in the
 * future, by a mistake over there, moves no cursor: everything that changes later would be skipped for ever.
 */
const createChanges = (
  config: TicketingConfig,
  list: (query: Readonly<Record<string, string>>, call: Call) => Promise<readonly Json[]>,
  now: () => Date,
): ChangesPort => ({
  traits: { ordering: 'per-case', overlapMs: OVERLAP_MS, everyMs: config.pullEveryMs, cursors: 'safe' },
  cursorAt: (moment) => toCursor({ since: moment.getTime(), skip: 0 }),
  async *pull(from, call) {
    let { since, skip } = from === null ? { since: 0, skip: 0 } : parseCursor(from);
    if (savedPlace(since, now()) !== since) [since, skip] = [0, 0];
    const start = since;
    for (let full = true; full;) {
      const query = { queue: config.queue, changedSince: new Date(since).toISOString(), offset: String(skip), limit: String(PAGE) };
      const tickets = await list(query, call);
      full = tickets.length >= PAGE;
      const ours = tickets.filter((ticket) => referenceOf(ticket) !== null);
      const { items, malformed } = await readChanges(ours, toChange, idOf);
      const last = latestMoment(
        items.map(({ updatedAt }) => updatedAt.getTime()),
        since,
        now(),
      );
      // From where this pull began, not from its last page: the overlap may reach back over several.
      if (!full) [since, skip] = [Math.max(start, last - OVERLAP_MS), 0];
      else if (last > since) [since, skip] = [last, 0];
      else skip += tickets.length;
      const place = placeToSave(since, now());
      yield { items, malformed, next: toCursor({ since: place, skip: place === since ? skip : 0 }) };
    }
  },
});

/**
 * Duty: read-only, and wrong credentials do not pass. Ask something that only an account may see, and then for what the config
 * names; a hint tells the operator what to change. What is thrown is shown too.
 */
async function check(config: TicketingConfig, ask: Ask, call: Call): Promise<Health> {
  const probes: { name: string; ok: boolean; ms: number; hint?: string }[] = [];
  const probe = async (name: string, question: () => Promise<string | null>) => {
    const since = performance.now();
    const hint = await question();
    probes.push({ name, ok: hint === null, ms: Math.round(performance.now() - since), ...(hint === null ? {} : { hint }) });
  };
  let version: string | undefined;
  await probe('credentials', async () => {
    const { status, body } = await ask('GET', '/api/me', call);
    const me = body as { login?: unknown; version?: unknown; queues?: unknown } | null;
    if (status === 404 || typeof me?.login !== 'string') return 'config.baseUrl: there is no Ticketing';
    if (typeof me.version === 'string') version = me.version;
    const queues = Array.isArray(me.queues) ? me.queues.map(String) : [];
    return queues.includes(config.queue) ? null : `config.queue: this account sees ${queues.join(', ') || 'none'}`;
  });
  const { withdrawnStatus } = config;
  if (withdrawnStatus !== undefined)
    await probe('withdrawn status', async () => {
      const { body } = await ask('GET', '/api/statuses', call);
      const statuses = Array.isArray(body) ? body.map(String) : [];
      return statuses.includes(withdrawnStatus) ? null : `config.withdrawnStatus: Ticketing has ${statuses.join(', ') || 'none'}`;
    });
  await probe('look-up by key', async () => {
    const found = await listTickets(ask, { reference: `no such key ${crypto.randomUUID()}`, limit: '1' }, call);
    return found.length === 0 ? null : 'the search by reference is ignored: an application could be filed twice';
  });
  return { ok: probes.every(({ ok }) => ok), system: version === undefined ? 'Ticketing' : `Ticketing ${version}`, probes };
}
