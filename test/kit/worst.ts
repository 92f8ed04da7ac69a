import type { Subject, Weight } from './climb.ts';
import { calibrate } from './quiet.ts';
import { createRandom, type Random } from './random.ts';

/*
 * Questions of anybody, for the search for the one that costs most (climb.ts). What it changes are fields, arguments, aliases, texts and rows.
 * Half of the questions are made within all limits, each of the others goes beyond them in one way: refused, it costs what refusing it
 * costs.
 */

/** What a question costs. */
export interface Price {
  /** CPU of the whole process, in milliseconds. */
  readonly cpuMs: number;
  readonly bytes: number;
  readonly refused: boolean;
}

/** A question as it is sent. */
export interface Question {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** A field of the root with what is asked below it, and the variables that it brings. */
interface Part {
  readonly text: string;
  readonly variables?: readonly { readonly name: string; readonly type: string; readonly value: unknown }[];
}

/** Ways beyond the limits. */
const excesses = [
  'rows',
  'words',
  'letters',
  'keys',
  'aliases',
  'levels',
  'regions',
  'entities',
  'json',
  'fields',
  'comment',
  'variables',
  'misfits',
] as const;
type Excess = (typeof excesses)[number];

/** A question in the making. */
export interface Draft {
  readonly parts: readonly Part[];
  readonly excess: Excess | null;
  /** How it is written down: plain, within a fragment, with its rows in a variable. */
  readonly how: number;
  /** How far it goes beyond the limits beside its parts: one of three sizes. */
  readonly size: number;
}

const texts = [
  'hundesteueranmeldung',
  'frnkfurtt',
  'gewerbe',
  'Umzug',
  'führerschein umschreiben lassen',
  'a',
  'sankt augustn',
  'persnalausweis verlängern reisepass baby',
  'straßenverkehrsamt',
  'bescheinigng',
];
const keys = ['05', '051110000000', '051620024024', '09', '053150000000', '14'];
const permit = '99108001001000';

/** Most fields of the root: with an alias each, near the limit on aliases. */
const mostParts = 28;

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));

/** Makes parts of one kind of question. */
class Maker {
  readonly #random: Random;
  readonly #excess: Excess | null;
  constructor(random: Random, excess: Excess | null) {
    this.#random = random;
    this.#excess = excess;
  }

  #of = <T>(list: readonly T[]): T => this.#random.pick(list);
  #isBeyond = (excess: Excess): boolean => this.#excess === excess && this.#random.chance(0.6);

  #rows = (): number => (this.#isBeyond('rows') ? this.#of([101, 1000, 5000, 11_000, 1e6]) : this.#of([1, 20, 50, 100, 100, 100]));
  #key = (): string => (this.#isBeyond('keys') ? 'x'.repeat(this.#of([65, 301, 5000])) : this.#of(keys));
  #text = (): string => {
    if (this.#isBeyond('letters'))
      return this.#of(texts)
        .replaceAll(' ', '')
        .repeat(this.#of([5, 20, 100, 500]))
        .slice(0, 19_000);
    if (this.#isBeyond('words'))
      return times(this.#of([17, 100, 1000]), () => this.#of(texts) + this.#random.int(1000))
        .join(' ')
        .slice(0, 19_000);
    return `${this.#of(texts)} ${this.#of(texts)} ${this.#of(texts)}${this.#random.int(1000)}`.slice(0, 200);
  };
  #aliased(make: () => string): string {
    const count = this.#isBeyond('aliases') ? this.#of([31, 100, 300, 900]) : this.#of([1, 1, 2, 5, 14, 27]);
    return times(count, (index) => (count === 1 ? make() : `b${index}_${this.#random.int(1e6)}: ${make()}`)).join(' ');
  }
  #regions(): string {
    const count = this.#isBeyond('regions') ? this.#of([51, 101, 900]) : this.#of([1, 1, 5, 50]);
    return `[${times(count, () => `"${this.#key()}"`).join(', ')}]`;
  }
  #deeper(levels: number): string {
    return levels <= 0
      ? '{ key name }'
      : `{ offers(first: ${this.#rows()}) { nodes { municipality { offers(first: ${this.#rows()}) { nodes { service ${this.#deeper(levels - 1)} } } } } } }`;
  }

  #service(): string {
    if (this.#isBeyond('levels')) return this.#deeper(this.#of([2, 3, 5, 20]));
    return this.#of([
      () => '{ key name }',
      () => '{ key name summary typing ozgId lifeSituations legalBasis equivalents { source service { name summary } } }',
      () => `{ ${this.#aliased(() => `offers(in: ${this.#regions()}, first: ${this.#rows()}) { totalCount nodes ${this.#offer()} }`)} }`,
      () => `{ ${this.#aliased(() => 'summary')} }`,
      () => this.#deeper(1),
    ])();
  }
  #municipality(): string {
    return this.#of([
      () => '{ ars name }',
      () => '{ ars ags name kind federalState district population areaHectares postalCodes formerKeys }',
      () => `{ ${this.#aliased(() => `offers(search: "${this.#text()}", first: ${this.#rows()}) { totalCount nodes ${this.#offer()} }`)} }`,
      () => `{ ${this.#aliased(() => `offers(first: ${this.#rows()}) { nodes ${this.#offer()} }`)} }`,
      () => `{ ${this.#aliased(() => `offer(service: "${permit}") { id name }`)} }`,
      () => `{ ${this.#aliased(() => 'postalCodes')} }`,
      () => '{ connection { since paused freshness { asOf source stale } adapters { adapter product state checkedAt } } }',
      () => `{ ${this.#aliased(() => `kitas(first: ${this.#rows()}) { name }`)} }`,
    ])();
  }
  #offer(): string {
    return this.#of([
      () => '{ id }',
      () =>
        '{ id name maturityLevel fees { cents label currency } requiredDocuments channels competentAuthority { name street town email url } }',
      () => '{ form { revision schema } }',
      () => `{ service { name offers(first: ${this.#rows()}) { nodes { name municipality { name postalCodes } } } } }`,
    ])();
  }
  #json(): unknown {
    if (!this.#isBeyond('json')) return null;
    if (this.#random.chance(0.5)) return times(this.#of([20_001, 60_000]), () => 0);
    const levels = this.#of([33, 1000, 3000]);
    return JSON.parse('['.repeat(levels) + ']'.repeat(levels)) as unknown;
  }
  #entities(): Part {
    const count = this.#isBeyond('entities') ? this.#of([1001, 5000, 8000]) : this.#of([1, 10, 100, 1000]);
    const name = `r${this.#random.int(1e9)}`;
    const what = this.#of([
      { __typename: 'Municipality', ars: '053150000000' },
      { __typename: 'Service', key: permit },
      { __typename: 'Municipality', ags: '05111000' },
    ]);
    const more = this.#json();
    const representation = more === null ? what : { ...what, more };
    const value = times(more === null ? count : 1, () => representation);
    return {
      text: `_entities(representations: $${name}) { ... on Municipality ${this.#municipality()} ... on Service ${this.#service()} }`,
      variables: [{ name, type: '[_Any!]!', value }],
    };
  }

  part(): Part {
    const plain = (text: string): Part => ({ text });
    const services = (given: string) => plain(`services(${given}first: ${this.#rows()}) { totalCount nodes ${this.#service()} }`);
    const municipalities = (given: string) =>
      plain(`municipalities(${given}first: ${this.#rows()}) { totalCount nodes ${this.#municipality()} }`);
    const name = `m${this.#random.int(1e9)}`;
    if (this.#isBeyond('fields')) return plain(times(this.#of([10, 100, 600, 4000]), (index) => `municipalitie${index}`).join(' '));
    if (this.#isBeyond('misfits'))
      return {
        text: `service(key: "${permit}") { offers(in: $${name}) { totalCount } }`,
        variables: [{ name, type: '[RegionalKey!]', value: times(this.#of([51, 1000, 20_000]), () => ({ a: 1 })) }],
      };
    return this.#of([
      () => services(`search: "${this.#text()}", `),
      () => services(`lifeSituation: "${this.#text()}", `),
      () => services(`offeredIn: "${this.#key()}", minimumMaturity: ${this.#of([0, 1, 4])}, `),
      () => services(''),
      () => municipalities(`search: "${this.#text()}", `),
      () => municipalities(`federalState: "${this.#of(['Bayern', '09', '05', this.#key()])}", `),
      () => municipalities(`postalCode: "${this.#of(['52538', '40213', this.#key()])}", `),
      () => municipalities(`connected: ${this.#of([true, false])}, `),
      () => plain(`municipality(ars: "${this.#key()}") ${this.#municipality()}`),
      () => plain(`service(key: "${permit}") ${this.#service()}`),
      () =>
        plain(
          `competence(service: "${permit}", place: { postalCode: "${this.#of(['52538', '40213', '33154'])}" }) { __typename ... on Competence { offer ${this.#offer()} } ... on AmbiguousPlace { candidates ${this.#municipality()} } }`,
        ),
      () => plain('__schema { types { name fields { name args { name type { name } } type { name ofType { name } } } } }'),
      () => plain('_service { sdl }'),
      () => this.#entities(),
    ])();
  }
}

/** What stands before a question and beside its variables, where that is how it goes beyond the limits. */
function padded(question: Question, { excess, size }: Draft): Question {
  const { query, variables } = question;
  if (excess === 'comment') return { ...question, query: `# ${'x'.repeat([20_001, 100_000, 5_000_000][size] ?? 0)}\n${query}` };
  if (excess === 'variables')
    return { query, variables: { ...variables, unused: times([10_000, 200_000, 2_000_000][size] ?? 0, () => [0]) } };
  return question;
}

function write(draft: Draft): Question {
  const { parts, how } = draft;
  const asked = parts
    .map(({ text }, index) => (text.startsWith('_') || text.startsWith('municipalitie0') ? text : `a${index}: ${text}`))
    .join('\n');
  const given = new Map(parts.flatMap(({ variables = [] }) => variables.map((one) => [one.name, one])));
  const isByVariable = how === 2 && asked.includes('first: 100)');
  const definitions = [...[...given.values()].map(({ name, type }) => `$${name}: ${type}`), ...(isByVariable ? ['$rows: Int = 100'] : [])];
  const head = definitions.length > 0 ? `query (${definitions.join(', ')}) ` : '';
  const body = isByVariable ? asked.replaceAll('first: 100)', 'first: $rows)') : asked;
  const query = how === 1 ? `${head}{ ...All } fragment All on Query { ${body} }` : `${head}{ ${body} }`;
  const variables = Object.fromEntries([...given.values()].map(({ name, value }) => [name, value]));
  return padded({ query, ...(given.size > 0 && { variables }) }, draft);
}

/** A question with a part more, less, or another one, or with each part twice: repeated parts differ in their rows. */
function mutate(draft: Draft, random: Random): Draft {
  const maker = new Maker(random, draft.excess);
  const { parts } = draft;
  const most = draft.excess === 'aliases' ? 500 : mostParts;
  const changed = (): readonly Part[] => {
    const at = random.int(parts.length);
    switch (random.int(4)) {
      case 0:
        return parts.length < most ? [...parts, maker.part()] : parts;
      case 1:
        return parts.length > 1 ? parts.toSpliced(at, 1) : parts;
      case 2:
        return parts.toSpliced(at, 1, maker.part());
      default:
        return [
          ...parts,
          ...parts.map((part) => ({
            ...part,
            text: part.text.replaceAll(/first: (\d+)/g, (_, rows) => `first: ${Math.max(1, Number(rows) - 1)}`),
          })),
        ].slice(0, most);
    }
  };
  return { ...draft, parts: changed(), how: random.int(3), size: random.int(3) };
}

/** Reads the CPU of the process that the hub runs in, and how slow its machine is at the moment. */
export interface Meter {
  /** Microseconds so far. */
  cpu(): number | Promise<number>;
  slowness(): number | Promise<number>;
}

const ownProcess: Meter = {
  cpu() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  slowness: calibrate,
};

/** Which of several askings counts: the lowest for a look in passing, the middle one for what is reported. */
export type Which = 'lowest' | 'median';

/** A question that was never asked before gets no kept answer. */
let asked = 0;

/** Longest that one question is asked again and again, in milliseconds of CPU. */
const mostAsking = 3000;

/** Asks several times, each as a question that was never asked before. */
export async function priceOf(
  url: string,
  { query, variables }: Question,
  most = 3,
  which: Which = 'lowest',
  meter: Meter = ownProcess,
): Promise<Price> {
  const prices: Price[] = [];
  let spent = 0;
  while (prices.length < most && spent < mostAsking) {
    const before = await meter.cpu();
    const body = JSON.stringify({ query: `# ${(asked += 1)}\n${query}`, ...(variables && { variables }) });
    const answer = await fetch(`${url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      .then(async (response) => ({ status: response.status, bytes: (await response.arrayBuffer()).byteLength }))
      // Told that a body is too long, the connection may close before it is sent.
      .catch(() => ({ status: 413, bytes: 0 }));
    const cpuMs = ((await meter.cpu()) - before) / 1000;
    spent += cpuMs;
    prices.push({ cpuMs, bytes: answer.bytes, refused: answer.status !== 200 });
  }
  return prices.toSorted((a, b) => a.cpuMs - b.cpuMs)[which === 'lowest' ? 0 : Math.floor(prices.length / 2)] as Price;
}

/** What one request may cost. */
export const most = { cpuMs: 50, bytes: 1_000_000 } as const;

/** The price as a quiet machine would take it. */
export interface QuestionWeight extends Weight {
  readonly price: Price;
  readonly question: Question;
}

/** What a search looks for: an answer near its longest is easy to find, and hides what costs CPU. */
export type Aim = 'cpu' | 'bytes';

/** Questions to a hub, for `climb`. */
export function questions(url: string, seed: number, aim: Aim, meter: Meter = ownProcess): Subject<Draft, QuestionWeight> {
  const random = createRandom(seed);
  let worst = 0;
  return {
    begin() {
      const excess = random.chance(0.5) ? random.pick(excesses) : null;
      const maker = new Maker(random, excess);
      // Beyond one limit it begins small, so that no other limit stands in the way.
      return { parts: times(excess === null ? 1 + random.int(6) : 1, () => maker.part()), excess, how: random.int(3), size: random.int(3) };
    },
    change: (draft) => mutate(draft, random),
    async weigh(draft, surely) {
      const question = write(draft);
      const slow = await meter.slowness();
      const ask = async (often: number, which: Which): Promise<Price> => {
        const raw = await priceOf(url, question, often, which, meter);
        return { ...raw, cpuMs: raw.cpuMs / slow };
      };
      const badnessOf = ({ cpuMs, bytes }: Price) => (aim === 'cpu' ? cpuMs / most.cpuMs : bytes / most.bytes);
      let price = surely ? await ask(7, 'median') : await ask(1, 'lowest');
      // What looks bad may have met the collection of garbage.
      if (!surely && badnessOf(price) > worst * 0.7) {
        const again = await ask(1, 'lowest');
        if (again.cpuMs < price.cpuMs) price = again;
      }
      const badness = badnessOf(price);
      if (surely) worst = Math.max(worst, badness);
      return { badness, price, question };
    },
  };
}
