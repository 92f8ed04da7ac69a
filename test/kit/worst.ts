import { performance } from 'node:perf_hooks';

/*
 * Looks for the anonymous question that costs most: changes a question a little, keeps what costs more, begins anew where nothing gets
 * worse. What it changes are fields, arguments, aliases, texts and rows; what is refused costs what refusing it costs.
 */

/** What a question costs. */
export interface Price {
  /** CPU of the whole process, in milliseconds as a quiet machine would take: see `calibrate`. */
  readonly cpuMs: number;
  readonly bytes: number;
  readonly refused: boolean;
}

export interface Found {
  readonly query: string;
  readonly price: Price;
}

/** A part of a question: a field of a root with arguments, and what is asked below it. `#` becomes a different text each time. */
const parts: readonly ((pick: Pick) => string)[] = [
  (pick) => `services(search: "${pick.text()}", first: ${pick.rows()}) ${pick.below('services')}`,
  (pick) => `services(lifeSituation: "${pick.text()}", first: ${pick.rows()}) ${pick.below('services')}`,
  (pick) => `services(offeredIn: "${pick.key()}", minimumMaturity: ${pick.of([0, 1, 4])}, first: ${pick.rows()}) ${pick.below('services')}`,
  (pick) => `services(first: ${pick.rows()}) ${pick.below('services')}`,
  (pick) => `municipalities(search: "${pick.text()}", first: ${pick.rows()}) ${pick.below('municipalities')}`,
  (pick) =>
    `municipalities(federalState: "${pick.of(['Bayern', '09', '05', 'x'])}", first: ${pick.rows()}) ${pick.below('municipalities')}`,
  (pick) => `municipalities(connected: ${pick.of([true, false])}, first: ${pick.rows()}) ${pick.below('municipalities')}`,
  (pick) => `municipality(ars: "${pick.key()}") ${pick.municipality()}`,
  (pick) =>
    `competence(service: "99108001001000", place: { postalCode: "${pick.of(['52538', '40213', '33154'])}" }) { __typename ... on Competence { offer ${pick.offer()} } ... on AmbiguousPlace { candidates ${pick.municipality()} } }`,
  () => '__schema { types { name fields { name args { name type { name } } type { name ofType { name } } } } }',
  () => '_service { sdl }',
];

const texts = [
  'hundesteueranmeldung',
  'frnkfurtt',
  'gewerbe',
  'Umzug',
  'führerschein umschreiben lassen',
  'a',
  'sankt augustn',
  'persnalausweis verlängern reisepass baby',
];

/** Choices from one source of chance, so that a seed gives the same search again. */
class Pick {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }
  /** 0 ≤ n < most. */
  next(most: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % most;
  }
  of<T>(list: readonly T[]): T {
    return list[this.next(list.length)] as T;
  }
  rows = (): number => this.of([1, 5, 20, 50, 100]);
  key = (): string => this.of(['05', '051110000000', '051620024024', '09', '053150000000', '14']);
  text = (): string => `${this.of(texts)} ${this.of(texts)}${this.next(1000)}`.slice(0, 100);
  aliased(make: () => string): string {
    const times = this.of([1, 1, 1, 2, 5, 14]);
    return Array.from({ length: times }, (_, index) => (times === 1 ? make() : `b${index}_${this.next(1e6)}: ${make()}`)).join(' ');
  }
  below(list: 'services' | 'municipalities'): string {
    return `{ totalCount nodes ${list === 'services' ? this.service() : this.municipality()} }`;
  }
  service(): string {
    return this.of([
      () => '{ key name }',
      () => '{ key name summary typing ozgId lifeSituations legalBasis equivalents { source service { name summary } } }',
      () => `{ ${this.aliased(() => `offers(in: ["${this.key()}"], first: ${this.rows()}) { totalCount nodes ${this.offer()} }`)} }`,
      () => `{ ${this.aliased(() => 'summary')} }`,
    ])();
  }
  municipality(): string {
    return this.of([
      () => '{ ars name }',
      () => '{ ars ags name kind federalState district population areaHectares postalCodes }',
      () => `{ ${this.aliased(() => `offers(search: "${this.text()}", first: ${this.rows()}) { totalCount nodes ${this.offer()} }`)} }`,
      () => `{ ${this.aliased(() => `offers(first: ${this.rows()}) { nodes ${this.offer()} }`)} }`,
      () => `{ ${this.aliased(() => 'offer(service: "99108001001000") { id name }')} }`,
      () => `{ ${this.aliased(() => 'postalCodes')} }`,
      () => '{ connection { since paused freshness { asOf source stale } adapters { adapter product state checkedAt } } }',
      () => `{ ${this.aliased(() => `kitas(first: ${this.rows()}) { name }`)} }`,
    ])();
  }
  offer(): string {
    return this.of([
      () => '{ id }',
      () =>
        '{ id name maturityLevel fees { cents label currency } requiredDocuments channels competentAuthority { name street town email url } }',
      () => '{ form { revision schema } }',
      () => '{ service { name offers(first: 100) { nodes { name municipality { name postalCodes } } } } }',
    ])();
  }
  part = (): string => this.of(parts)(this);
}

/** The same question plain, within a fragment, or with its rows in a variable. */
function write(chosen: readonly string[], how: number): string {
  const asked = chosen.map((part, index) => (part.startsWith('_') ? part : `a${index}: ${part}`)).join('\n');
  if (how === 1) return `{ ...All } fragment All on Query { ${asked} }`;
  if (how === 2 && asked.includes('first: 100')) return `query ($rows: Int = 100) { ${asked.replaceAll('first: 100', 'first: $rows')} }`;
  return `{ ${asked} }`;
}

/** A question that was never asked before gets no kept answer. */
let asked = 0;

/**
 * Milliseconds of CPU that a fixed computation takes now, over those it takes on a quiet machine of the kind the experiments are
 * recorded on: parsing and writing two megabytes of JSON. A slow or a busy machine stretches both alike.
 */
export function calibrate(): number {
  if (performance.now() - calibratedAt < 3000) return slowness;
  const text = JSON.stringify(
    Array.from({ length: 20_000 }, (_, index) => ({ index, name: `name ${index}`, codes: [index, index + 1], more: { a: null, b: true } })),
  );
  const samples = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    JSON.stringify(JSON.parse(text));
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  slowness = Math.max(1, (samples.toSorted((a, b) => a - b)[1] as number) / quietReferenceMs);
  calibratedAt = performance.now();
  return slowness;
}
let slowness = 1;
let calibratedAt = -Infinity;
const quietReferenceMs = 20;

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

/** Asks several times, each as a question that was never asked before. */
export async function priceOf(url: string, query: string, times = 3, which: Which = 'lowest', meter: Meter = ownProcess): Promise<Price> {
  const prices: Price[] = [];
  for (let time = 0; time < times; time += 1) {
    const before = await meter.cpu();
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: `# ${(asked += 1)}\n${query}` }),
    });
    const bytes = (await response.arrayBuffer()).byteLength;
    prices.push({ cpuMs: ((await meter.cpu()) - before) / 1000, bytes, refused: response.status !== 200 });
  }
  return prices.toSorted((a, b) => a.cpuMs - b.cpuMs)[which === 'lowest' ? 0 : Math.floor(times / 2)] as Price;
}

/** How bad a price is: 1 is as much as is allowed of either. */
const badness = ({ cpuMs, bytes }: Price, slow: number): number => Math.max(cpuMs / slow / 50, bytes / 1_000_000);

export interface SearchOptions {
  readonly seed: number;
  readonly asks?: number;
  readonly ms?: number;
  /** @default this process */
  readonly meter?: Meter;
  /** Called with each question that is worse than all before it. */
  readonly onFound?: (found: Found, asked: number) => void;
}

/** Searches until the time is over or so many were asked; answers the worst by CPU (as on a quiet machine) and the worst by bytes. */
export async function searchWorst(
  url: string,
  { seed, asks = Infinity, ms = Infinity, meter = ownProcess, onFound }: SearchOptions,
): Promise<{ readonly slowest: Found; readonly longest: Found; readonly asked: number }> {
  const pick = new Pick(seed);
  const end = performance.now() + ms;
  let slowest: Found | null = null;
  let longest: Found | null = null;
  let count = 0;
  const look = async (chosen: readonly string[]): Promise<number> => {
    count += 1;
    const query = write(chosen, pick.next(3));
    const slow = await meter.slowness();
    const raw = await priceOf(url, query, 2, 'lowest', meter);
    const price = { ...raw, cpuMs: raw.cpuMs / slow };
    if (!slowest || price.cpuMs > slowest.price.cpuMs) {
      // What looks worst is asked again before it is believed.
      const again = await priceOf(url, query, 7, 'median', meter);
      const sure = { ...price, cpuMs: again.cpuMs / (await meter.slowness()) };
      if (!slowest || sure.cpuMs > slowest.price.cpuMs) onFound?.((slowest = { query, price: sure }), count);
    }
    if (!longest || price.bytes > longest.price.bytes) longest = { query, price };
    return badness(raw, slow);
  };
  while (count < asks && performance.now() < end) {
    let chosen: readonly string[] = Array.from({ length: 1 + pick.next(4) }, pick.part);
    let worst = await look(chosen);
    for (let idle = 0; idle < 12 && count < asks && performance.now() < end;) {
      const next = mutate(chosen, pick);
      const found = await look(next);
      if (found > worst) [chosen, worst, idle] = [next, found, 0];
      else idle += 1;
    }
  }
  if (!slowest || !longest) throw new Error('nothing was asked');
  return { slowest, longest, asked: count };
}

/** A question with a part more, less, or another one; repeated parts differ in their texts. */
function mutate(chosen: readonly string[], pick: Pick): readonly string[] {
  const at = pick.next(chosen.length);
  switch (pick.next(4)) {
    case 0:
      return chosen.length < 28 ? [...chosen, pick.part()] : chosen;
    case 1:
      return chosen.length > 1 ? chosen.toSpliced(at, 1) : chosen;
    case 2:
      return chosen.toSpliced(at, 1, pick.part());
    default:
      return [
        ...chosen,
        ...chosen.map((part) => part.replaceAll(/first: (\d+)/g, (_, rows) => `first: ${Math.max(1, Number(rows) - 1)}`)),
      ].slice(0, 28);
  }
}
