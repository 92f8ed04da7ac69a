import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { partial as indexes } from '../../src/infra/store/migrations/0008_growth.ts';
import { openStore } from '../../src/infra/store/open-store.ts';
import { ars, type TestHub } from '../kit/hub.ts';
import { describeOnEachStore } from '../kit/services.ts';
import { move, startTowns } from '../scenarios/moving.ts';

/*
 * The hub runs what it does all day, and every statement that it asked its database is explained: none may read a growing table from
 * one end to the other. An index that holds open rows alone may be read whole: it does not grow with what is finished.
 */

/** Tables that get rows for as long as the hub runs. */
const growing = [
  'application',
  'submission_key',
  'delivery_job',
  'delivery_step',
  'event_log',
  'inbox',
  'seen_change',
  'seen_message',
  'event_delivery',
  'event_attempt',
  'event_decision',
  'case_file',
  'case_participant',
  'case_application',
  'case_answer',
  'application_mark',
  'case_facts',
  'case_facts_reading',
];

/** Indexes of open rows. */
const partial = ['application_parked_of_owner', ...indexes.map(({ name }) => name).filter((name) => name !== 'event_delivery_over')];

/** What may serve a statement instead of the index that it means, and reads no more than that. */
const instead: Readonly<Record<string, readonly string[]>> = {
  application_parked: ['application_parked_of_owner'],
  event_delivery_open: ['event_delivery_state_seq'],
  // A person has few cases.
  case_file_open: ['case_list_of_owner'],
};

/** Which of the indexes that hold some rows alone have their condition in a statement: `column` may stand there with or without a table. */
const meant = (text: string): string[] => {
  const plain = text.toLowerCase().replaceAll(/"|\b(application|delivery_job|case_file|event_delivery|job|file|d)"?\./g, '');
  return indexes.filter(({ on, where }) => text.includes(`"${on}"`) && plain.includes(where.toLowerCase())).map(({ name }) => name);
};

/** Reads in the order of an index and ends at its `limit`, whatever is behind. */
const inOrder = [
  // The end of the log, and the next piece of it.
  /^select max\("seq"\) as "seq" from "event_log"$/,
  /^select "seq" from "event_log" limit/,
];

const restore: (() => void)[] = [];
afterEach(() => {
  for (const one of restore.splice(0)) one();
});

/** Statements that this process sends to either database from here on, with one set of values each. */
function record(): ReadonlyMap<string, readonly unknown[]> {
  const seen = new Map<string, readonly unknown[]>();
  // oxlint-disable-next-line typescript/unbound-method -- called with its own `this` below
  const { prepare } = DatabaseSync.prototype;
  DatabaseSync.prototype.prepare = function recorded(text: string) {
    if (!/^explain/i.test(text)) seen.set(text, []);
    return prepare.call(this, text);
  };
  // oxlint-disable-next-line typescript/unbound-method -- as above
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function recorded(this: pg.Client, ...args: unknown[]) {
    const [config, values] = args as [string | { text?: string; values?: unknown[] }, unknown[] | undefined];
    const text = typeof config === 'string' ? config : (config.text ?? '');
    if (!/^explain/i.test(text)) seen.set(text, values ?? (typeof config === 'string' ? [] : (config.values ?? [])));
    return (query as (...all: unknown[]) => unknown).apply(this, args);
  } as typeof query;
  restore.push(() => {
    DatabaseSync.prototype.prepare = prepare;
    pg.Client.prototype.query = query;
  });
  return seen;
}

const isAsked = (text: string) =>
  /^\s*(select|update|delete|insert|with)\b/i.test(text) &&
  growing.some((table) => text.includes(`"${table}"`)) &&
  !inOrder.some((one) => one.test(text));

/**
 * What reads a growing table whole, in the words of the plan; what makes a list of its rows first (`in (select …)`), which may be all
 * rows of a city or a portal; and what passes by the index that holds the few rows it asks for.
 */
function scansOnSqlite(db: DatabaseSync, text: string): string[] {
  const named = new Map([...text.matchAll(/"(\w+)"(?: as "(\w+)")?/g)].map(([, table, alias]) => [alias ?? table ?? '', table ?? '']));
  const plan = db.prepare(`explain query plan ${text}`).all() as { id: number; parent: number; detail: string }[];
  const used = `${plan.map(({ detail }) => detail).join(' ')} `;
  const passedBy = meant(text).filter((name) => ![name, ...(instead[name] ?? [])].some((one) => used.includes(`INDEX ${one} `)));
  const lists = new Set(plan.filter(({ detail }) => detail.startsWith('LIST SUBQUERY')).map(({ id }) => id));
  const wrong = plan
    .filter(({ detail, parent }) => {
      const [, how, name = '', index] = /^(SCAN|SEARCH) (\w+)(?: USING (?:COVERING )?INDEX (\w+))?/.exec(detail) ?? [];
      return (how === 'SCAN' || lists.has(parent)) && growing.includes(named.get(name) ?? name) && !partial.includes(index ?? '');
    })
    .map(({ detail, parent }) => (lists.has(parent) ? `list of ${detail}` : detail));
  return [...wrong, ...passedBy.map((name) => `not by ${name}, but: ${used}`)];
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Plans?: readonly PlanNode[];
}

function scansOnPostgres(node: PlanNode, below = false): string[] {
  const table = node['Relation Name'] ?? '';
  // A page of a list in the order of its index ends at its limit.
  const limited = below || node['Node Type'] === 'Limit';
  const whole = node['Node Type'] === 'Seq Scan' || (/^Index (Only )?Scan$/.test(node['Node Type']) && !node['Index Cond']);
  const found =
    whole && !limited && growing.includes(table) && !partial.includes(node['Index Name'] ?? '')
      ? [`${node['Node Type']} ${table} ${node['Index Name'] ?? ''}`]
      : [];
  return [...found, ...(node.Plans ?? []).flatMap((one) => scansOnPostgres(one, limited && node['Node Type'] !== 'Sort'))];
}

/** Pages of what is some city's or owner's: all of it may be older than a million rows of others. */
const isPage = /from "(application|case_participant|case_application)".* order by .* desc limit /;

/** Where a page is read past whatever is younger, in the hope that its rows come soon. */
const passedOver = (node: PlanNode): string[] => [
  ...(/^(application|case_participant|case_application)$/.test(node['Relation Name'] ?? '') && !node['Index Cond']
    ? [`${node['Node Type']} ${node['Relation Name']} ${node['Index Name'] ?? ''}`]
    : []),
  ...(node.Plans ?? []).flatMap(passedOver),
];

/** A thousand times what each city and owner has, and statistics of it: from these, PostgreSQL guesses where the rows are that it looks for. */
async function grow(client: pg.Client): Promise<void> {
  const copied: Readonly<Record<string, readonly string[]>> = {
    application: ['id', 'delivery_key', 'case_ref'],
    case_file: ['id', 'correlation'],
    case_participant: ['case_id'],
    case_application: ['case_id', 'application_id'],
  };
  for (const [table, own] of Object.entries(copied)) {
    const { fields } = await client.query(`select * from ${table} limit 0`);
    const values = fields.map(({ name }) => (own.includes(name) ? `lpad(n::text, 8, '0') || substr(one.${name}, 9)` : `one.${name}`));
    await client.query(`insert into ${table} select ${values.join(', ')} from ${table} as one, generate_series(1, 1000) as n`);
  }
  await client.query(`analyze ${Object.keys(copied).join(', ')}`);
}

const patience = { timeout: 30_000, interval: 50 };

describeOnEachStore('growth', (kit) => {
  test('no statement of a day’s work reads a growing table whole', async () => {
    const url = await kit.freshUrl();
    // Migrations read whole tables, once.
    await openStore(url).then((fresh) => fresh.close());
    const seen = record();
    const towns = await startTowns({ env: { STORE_URL: url } });
    try {
      const { hub } = towns;
      await aDay(towns, hub);
    } finally {
      await towns.close();
    }
    const statements = [...seen].filter(([text]) => isAsked(text));
    expect(statements.length, 'statements were recorded').toBeGreaterThan(60);
    const wrong: string[] = [];
    if (url.startsWith('sqlite:')) {
      const db = new DatabaseSync(url.slice('sqlite:'.length));
      for (const [text] of statements) for (const scan of scansOnSqlite(db, text)) wrong.push(`${scan}\n    ${text}`);
      db.close();
    } else {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      // Tables are small here: what is still read whole cannot be read otherwise.
      await client.query('set enable_seqscan = off; set enable_bitmapscan = off');
      for (const [text, values] of statements) {
        const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(`explain (format json) ${text}`, [...values]);
        for (const scan of scansOnPostgres(rows[0]!['QUERY PLAN'][0].Plan)) wrong.push(`${scan}\n    ${text}`);
      }
      await client.query('reset all');
      await grow(client);
      for (const [text, values] of statements.filter(([one]) => isPage.test(one))) {
        const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(`explain (format json) ${text}`, [...values]);
        for (const passed of passedOver(rows[0]!['QUERY PLAN'][0].Plan)) wrong.push(`${passed}, where rows are many\n    ${text}`);
      }
      await client.end();
    }
    expect(wrong, wrong.join('\n')).toEqual([]);
  });

  test('whatever refers to an application has an index for it', async () => {
    const seen = record();
    await openStore(await kit.freshUrl()).then((fresh) => fresh.close());
    const made = [...seen.keys()].map((text) => text.toLowerCase().replaceAll('"', ''));
    const referring = made.flatMap((text) => /^create table (\w+) .*references application \(id\)/.exec(text)?.[1] ?? []);
    expect(referring).toContain('submission_key');
    for (const name of referring)
      expect(
        made.some(
          (text) =>
            new RegExp(`^create (unique )?index \\w+ on ${name} \\(application_id\\b`).test(text) ||
            new RegExp(`^create table ${name} .*primary key \\(application_id\\b`).test(text),
        ),
        `${name} has no index that begins with application_id`,
      ).toBe(true);
  });
});

/** Applications, a case between cities, lists of everybody, what an operator does. */
async function aDay(towns: Awaited<ReturnType<typeof startTowns>>, hub: TestHub): Promise<void> {
  const { application, permit, id, see } = await move(towns);
  await see('clerk-neuss');
  const clerk = 'clerk-neuss';
  for (const persona of ['citizen-eid', 'portal', clerk]) {
    for (const one of [id, permit])
      await hub.ask(
        'query ($case: ID!, $application: ID!) { case(id: $case) { id kind } application(id: $application) { id case { id } } }',
        { case: id, application: one === id ? application : one },
        persona,
      );
    for (const status of [null, 'GRANTED', 'PARKED'])
      await hub.ask(
        'query ($status: ApplicationStatus) { viewer { applications(first: 5, status: $status) { totalCount nodes { id status history { totalCount nodes { type } } } pageInfo { endCursor } } } }',
        { status },
        persona,
      );
    for (const open of [null, true, false])
      await hub.ask(
        'query ($open: Boolean) { cases(first: 5, open: $open) { totalCount nodes { id kind waiting { step } history { totalCount } } } }',
        { open },
        persona,
      );
  }
  await hub.ask('{ clerkTasks { totalCount nodes { step } } tasks { totalCount nodes { kind since } pageInfo { endCursor } } }', {}, clerk);
  for (const state of [null, 'DELIVERED', 'PARKED', 'WAITING', 'SKIPPED'])
    await hub.ask(
      'query ($state: EventDeliveryState) { eventChannel { waiting parked lagSeconds deliveries(state: $state) { totalCount nodes { eventId attempts { outcome } } } } }',
      { state },
      clerk,
    );
  const withdrawn = await hub.submit(ars.duesseldorf, randomUUID());
  await expect.poll(async () => (await hub.find(withdrawn.id))?.status, patience).toBe('RECEIVED');
  await hub.ask(
    'mutation ($id: ID!) { withdrawApplication(input: { id: $id, reason: "x" }) { __typename } }',
    { id: withdrawn.id },
    'citizen',
  );
  await expect.poll(async () => (await hub.find(withdrawn.id))?.status, patience).toBe('WITHDRAWN');
  const { applications, events, cities } = hub.hub;
  await applications.listParked();
  await events.trail(application);
  await events.trail(id);
  await events.trail(permit, 'neuss');
  for (const city of cities.list()) await events.replay(city, { from: new Date(0), until: new Date() }, 'operator');
  await fetch(`${hub.url}/metrics`);
  await fetch(`${hub.url}/health/ready`);
}
