import type { Json } from '#contract';
import { runSimulator } from '../simulation/command.ts';
import {
  startSimulator,
  type SimulatedAnswer,
  type SimulatedRequest,
  type Simulator,
  type SimulatorOptions,
} from '../simulation/server.ts';

/** A description as PVOG holds it. */
export interface SimulatedDescription {
  readonly id: string;
  readonly name: string;
  readonly ars: readonly string[];
  readonly leikakeys: readonly string[];
  readonly [more: string]: Json;
}

export interface PvogSimulatorOptions extends SimulatorOptions {
  /** Gives at most so many descriptions per page, whatever is asked for. */
  readonly mostPerPage?: number;
  /** Says how many descriptions there are, or says nothing of it. @default the truth */
  readonly total?: number | null;
  /** @default three that are constructed */
  readonly descriptions?: readonly SimulatedDescription[];
}

/** A running simulator that can be told to ask for pauses. */
export interface PvogSimulator extends Simulator {
  /** Answers the next so many requests with 429 and this Retry-After in seconds; null: without one. */
  limit(requests: number, retryAfterSeconds: number | null): void;
}

/** Constructed: ids, keys and shapes are as PVOG's, the texts are not. */
const constructed: readonly SimulatedDescription[] = [
  {
    id: 'L100002.LB.100',
    name: 'Reisepass beantragen',
    ars: ['050000000000'],
    leikakeys: ['99085001012000'],
    details: [
      { code: '24', text: '<p>Für Reisen außerhalb der EU brauchen Sie einen Reisepass.</p>' },
      { code: '08', text: '<ul><li>Personalausweis</li><li>Biometrisches Passfoto</li></ul>' },
      { code: '98', text: '<p>37,50 Euro unter 24 Jahren</p>', details: [{ title: 'Gebühr: 70,00 Euro', text: 'ab 24 Jahren' }] },
      { code: '97', text: 'nicht angegeben', placeholder: true },
    ],
  },
  {
    id: 'L100002.LB.200',
    name: 'Bewohnerparkausweis',
    ars: ['051110000000'],
    leikakeys: ['99108001001000', '99108001020000'],
    onlineServiceLinks: [{ title: 'Bewohnerparkausweis online', uri: 'https://service.example.org/bewohnerparkausweis' }],
    details: [
      { code: '95', text: '<p>2 bis 4 Wochen</p>' },
      { code: '98', text: '', details: [{ title: 'Gebühr: 25,00 Euro', text: 'ein Jahr' }] },
    ],
  },
  { id: 'B100019.LB.300', name: 'Bewohnerparken', ars: ['000000000000'], leikakeys: ['99108001001000'] },
];

/**
 * PVOG's search service as far as it is known: descriptions by key and area, titles of competent units, places. A request
 * without client id is refused; with which status PVOG does that is not known, here it is 401.
 */
export async function startPvogSimulator(options: PvogSimulatorOptions = {}): Promise<PvogSimulator> {
  const { descriptions = constructed } = options;
  let limited = 0;
  let retryAfter: number | null = null;

  const simulator = await startSimulator(
    {
      path: [],
      answer(request) {
        if (limited > 0) {
          limited--;
          return { status: 429, body: {}, ...(retryAfter === null ? {} : { headers: { 'retry-after': String(retryAfter) } }) };
        }
        return answer(request, descriptions, options);
      },
    },
    options,
  );
  return { ...simulator, limit: (requests, seconds) => void ([limited, retryAfter] = [requests, seconds]) };
}

function answer(
  { method, url, headers }: SimulatedRequest,
  descriptions: readonly SimulatedDescription[],
  options: PvogSimulatorOptions,
): SimulatedAnswer {
  const asked = (name: string) => url.searchParams.get(name) ?? '';
  const ars = asked('ars');
  if (method !== 'GET') return { status: 405, body: {} };
  if (url.pathname.endsWith('/v3/locations'))
    return { status: 200, body: [{ ars: '051110000000', ags: '05111000', name: 'Düsseldorf', zip: '40213' }] };
  if (!headers.get('pvog-sud-api-client-id')) return { status: 401, body: {} };
  if (url.pathname.endsWith('/v2/servicedescriptions/leikahierarchy')) {
    const keys = url.searchParams.getAll('leikaIds');
    const found = descriptions.filter(
      (one) => one.leikakeys.some((key) => keys.includes(key)) && one.ars.some((area) => covers(area, ars)),
    );
    const [page, size] = [Number(asked('page') || 0), Math.min(Number(asked('size') || 20), options.mostPerPage ?? 100)];
    const { total = found.length } = options;
    return {
      status: 200,
      body: { content: found.slice(page * size, (page + 1) * size), ...(total === null ? {} : { totalElements: total }) },
    };
  }
  if (url.pathname.endsWith('/v2/organisationunits/titles'))
    return {
      status: 200,
      body: [
        { id: 'L100002.OE.502', title: 'Servicestelle', role: { code: '02' } },
        { id: 'L100002.OE.501', title: 'Amt für Einwohnerwesen', role: { code: '01' } },
      ],
    };
  return { status: 404, body: {} };
}

const covers = (area: string, ars: string): boolean => area === ars || ars.startsWith(area.replace(/0+$/, ''));

if (import.meta.main) await runSimulator([], (options) => startPvogSimulator(options));
