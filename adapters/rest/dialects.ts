/** How a simulated back office speaks: the same abilities under other names, as real ones have them. */
export interface Dialect {
  /** Path of the cases. */
  readonly path: string;
  readonly auth: { readonly header: string } | { readonly scheme: 'bearer' } | { readonly scheme: 'basic'; readonly user: string };
  /** `header`: it honours the key sent there. `field` and `query`: it keeps the key there and can be asked for it, and makes as many cases as it is told. */
  readonly key: { readonly header: string } | { readonly field: string; readonly query: string };
  /** JSON pointers of a case's parts; `in` wraps a single case, `list` leads to the cases of a list. */
  readonly case: {
    readonly id: string;
    readonly number: string;
    readonly status: string;
    readonly version?: string;
    readonly updatedAt: string;
    readonly in: string;
  };
  readonly list: string;
  /** Names of the query's parameters. */
  readonly query: { readonly ids: string; readonly limit: string } & (
    | { readonly since: string; readonly offset: string }
    | { readonly cursor: string; readonly next: string }
  );
  /** In the order of ordinary handling; the first is that of a new case. */
  readonly statuses: readonly string[];
  readonly withdraw: { readonly method: string; readonly suffix: string; readonly status: string };
  /** What it refuses: missing fields and texts that are too long. */
  readonly required: readonly string[];
  readonly longest: Readonly<Record<string, number>>;
  /** How it says so: pointers into the refusal and its items; `dotted` names fields `a.b` instead of `/a/b`. */
  readonly errors: { readonly items: string; readonly field: string; readonly text: string; readonly dotted: boolean };
  readonly numberOf: (id: number) => string;
}

/** Flat and German, honours an idempotency key, tells of changes by webhook. */
const antraege: Dialect = {
  path: '/api/v2/antraege',
  auth: { header: 'X-Api-Key' },
  key: { header: 'Idempotency-Key' },
  case: {
    id: '/vorgangsId',
    number: '/aktenzeichen',
    status: '/bearbeitungsstand',
    version: '/fassung',
    updatedAt: '/geaendertAm',
    in: '',
  },
  list: '/antraege',
  query: { ids: 'vorgangsIds', limit: 'anzahl', since: 'geaendertSeit', offset: 'ab' },
  statuses: ['EINGEGANGEN', 'IN_BEARBEITUNG', 'BEWILLIGT'],
  withdraw: { method: 'POST', suffix: '/ruecknahme', status: 'ZURUECKGENOMMEN' },
  required: ['/antragsteller/name', '/leistung'],
  longest: { '/antragsteller/name': 80 },
  errors: { items: '/fehler', field: '/feld', text: '/hinweis', dotted: true },
  numberOf: (id) => `32-${String(id).padStart(6, '0')}/26`,
};

/** Nested, keeps the key as a reference of the sender and must be asked for it. */
const vorgaenge: Dialect = {
  path: '/fachverfahren/vorgaenge',
  auth: { scheme: 'bearer' },
  key: { field: '/vorgang/absenderReferenz', query: 'absenderReferenz' },
  case: { id: '/kennung', number: '/zeichen', status: '/status/code', updatedAt: '/status/seit', in: '/vorgang' },
  list: '/treffer',
  query: { ids: 'kennung', limit: 'max', since: 'seit', offset: 'start' },
  statuses: ['neu', 'in Prüfung', 'genehmigt'],
  withdraw: { method: 'PATCH', suffix: '', status: 'zurückgezogen' },
  required: ['/vorgang/person/anzeigename'],
  longest: {},
  errors: { items: '/meldungen', field: '/pfad', text: '/text', dotted: false },
  numberOf: (id) => `NE-${id}`,
};

/** English, numbers its changes itself and hands out cursors. */
const cases: Dialect = {
  path: '/v1/cases',
  auth: { scheme: 'basic', user: 'hub' },
  key: { header: 'X-Request-Token' },
  case: { id: '/id', number: '/reference', status: '/state', version: '/revision', updatedAt: '/modified', in: '/case' },
  list: '/cases',
  query: { ids: 'id', limit: 'pageSize', cursor: 'after', next: '/continue' },
  statuses: ['OPEN', 'PROCESSING', 'APPROVED'],
  withdraw: { method: 'DELETE', suffix: '', status: 'WITHDRAWN' },
  required: ['/submitter/fullName'],
  longest: { '/submitter/fullName': 120 },
  errors: { items: '/violations', field: '/field', text: '/message', dotted: false },
  numberOf: (id) => `M-2026-${id}`,
};

/** Dialects by name. */
export const dialects = { antraege, vorgaenge, cases } as const satisfies Record<string, Dialect>;

export type DialectName = keyof typeof dialects;
