import { inLanguage, problemText, type Language, type Localised } from '#contract';
import type { Applications } from '../applications/applications.ts';
import type { Cities, City } from '../cities/cities.ts';
import type { ChannelView, DeliveryView, Events, EventsResult, ReplayRange } from '../events/events.ts';
import { refusalLines } from './parked.ts';

/*
 * The operator's verbs about events on their way to cities: on the store of the running hub, which takes over what they decide within
 * half a second. Each resolves to an exit code: 0 done, 1 refused, 2 wrong use.
 */

/** Who decides at the command line, for the record. */
const operator = 'operator';

/** What every verb gets. */
export interface EventsVerb {
  readonly applications: Pick<Applications, 'findRefusal'>;
  readonly events: Events;
  readonly cities: Cities;
  readonly language: Language;
  readonly json?: boolean | undefined;
  readonly out: (line: string) => void;
  readonly note: (line: string) => void;
}

const texts = {
  unknownCity: {
    de: 'Diese Stadt ist nicht angeschlossen oder bekommt keine Ereignisse:',
    en: 'This city is not connected, or gets no events:',
  },
  nothing: { de: 'Nichts.', en: 'Nothing.' },
  noParked: { de: 'Nichts ist geparkt.', en: 'Nothing is parked.' },
  noChannels: { de: 'Keine Stadt bekommt Ereignisse.', en: 'No city gets events.' },
  queued: { de: 'eingereiht', en: 'queued' },
  done: { de: 'erledigt', en: 'done' },
  unchanged: { de: 'war schon so', en: 'it was so already' },
  range: {
    de: 'Entweder --about <Vorgang oder Antrag>, oder --from und --until als Zeitpunkte (2026-11-24T08:00:00Z).',
    en: 'Either --about <case or application>, or --from and --until as points in time (2026-11-24T08:00:00Z).',
  },
} as const satisfies Record<string, Localised>;

const findCity = ({ cities, language, note }: EventsVerb, named: string): City | null => {
  const city = cities.find(named) ?? cities.findByArs(named);
  if (city?.events) return city;
  note(`${inLanguage(texts.unknownCity, language)} ${named}`);
  return null;
};

const channelLine = (view: ChannelView): string =>
  [
    view.city,
    view.deliver,
    view.state,
    `waiting ${view.waiting}`,
    `parked ${view.parked}`,
    `lag ${view.lagSeconds} s`,
    ...(view.pauseReason ? [`${view.pauseReason} ${view.pausedAt?.toISOString() ?? ''}`] : []),
    ...(view.lastError ? [view.lastError] : []),
  ].join('  ');

const deliveryLine = ({ city, sequence, eventId, type, state, reason, attempts }: DeliveryView): string => {
  const last = attempts.at(-1);
  const tried = last ? `${attempts.length}× ${last.outcome}${last.status ? ` ${last.status}` : ''} ${last.ms} ms` : '';
  return [sequence, city, eventId, type, state, reason ?? '', tried].filter((part) => part !== '').join('  ');
};

/** How events reach each city. */
export async function runChannels(verb: EventsVerb): Promise<number> {
  const { events, cities, json, language, out } = verb;
  const views = (await Promise.all(cities.list().map(({ id }) => events.channel(id)))).filter((view) => view !== null);
  if (json) out(JSON.stringify(views, null, 2));
  else if (views.length === 0) out(inLanguage(texts.noChannels, language));
  else for (const view of views) out(channelLine(view));
  return 0;
}

/** The delivery log, newest first: no content. */
export async function runDeliveries(
  verb: EventsVerb,
  {
    city: named,
    state,
    type,
    first,
  }: { city?: string | undefined; state?: DeliveryView['state'] | undefined; type?: string | undefined; first: number },
): Promise<number> {
  const { events, json, language, out } = verb;
  const city = named === undefined ? null : findCity(verb, named);
  if (named !== undefined && !city) return 2;
  const filter = { ...(city ? { city: city.id } : {}), ...(state ? { state } : {}), ...(type ? { type } : {}) };
  const { items } = await events.deliveries(filter, { first, after: null });
  const deliveries = items.map(({ node }) => node);
  if (json) out(JSON.stringify(deliveries, null, 2));
  else if (deliveries.length === 0) out(inLanguage(state === 'parked' ? texts.noParked : texts.nothing, language));
  else for (const delivery of deliveries) out(deliveryLine(delivery));
  return 0;
}

const tell = ({ language, out }: EventsVerb, result: EventsResult, text: (count: number) => string): number => {
  out(result.ok ? text(result.count) : problemText(result.problem, language));
  return result.ok ? 0 : 1;
};

/** What a person decides about a city's deliveries. */
export type EventsDecision =
  | { readonly action: 'release'; readonly eventId: string }
  | { readonly action: 'discard'; readonly eventId: string; readonly reason: string }
  | { readonly action: 'pause' | 'resume' | 'test' }
  | { readonly action: 'replay'; readonly range: ReplayRange };

export async function runEventsDecision(verb: EventsVerb, named: string, decision: EventsDecision, traceparent: string): Promise<number> {
  const { events, language } = verb;
  const city = findCity(verb, named);
  if (!city) return 2;
  const done = (count: number) => inLanguage(count > 0 ? texts.done : texts.unchanged, language);
  switch (decision.action) {
    case 'release':
      return tell(verb, await events.release(city.id, decision.eventId, operator), done);
    case 'discard':
      return tell(verb, await events.discard(city.id, decision.eventId, decision.reason, operator), done);
    case 'pause':
      return tell(verb, await events.pause(city.id, operator), done);
    case 'resume':
      return tell(verb, await events.resume(city.id, operator), done);
    case 'replay':
      return tell(verb, await events.replay(city, decision.range, operator), (count) => `${count} ${inLanguage(texts.queued, language)}`);
    case 'test': {
      const result = await events.test(city, operator, traceparent);
      return tell(verb, result, () => (result.ok ? (result.eventId ?? '') : ''));
    }
  }
}

/** The range that options mean; null, and what is expected, where they mean none. */
export function readRange(
  { from, until, about }: Readonly<Record<'from' | 'until' | 'about', string | undefined>>,
  { language, note }: Pick<EventsVerb, 'language' | 'note'>,
): ReplayRange | null {
  if (about !== undefined && from === undefined && until === undefined) return { about };
  const [begin, end] = [new Date(from ?? Number.NaN), new Date(until ?? Number.NaN)];
  if (about === undefined && begin.getTime() < end.getTime()) return { from: begin, until: end };
  note(inLanguage(texts.range, language));
  return null;
}

/** What happened to a case, an application or an event, oldest first. */
export async function runTrace({ events, applications, json, language, out }: EventsVerb, id: string): Promise<number> {
  const trail = await events.trail(id);
  const refusals = await Promise.all(
    (trail?.applications ?? []).map(async (application) => ({ application, refusal: await applications.findRefusal(application) })),
  );
  if (json) {
    out(JSON.stringify(trail && { ...trail, refusals: refusals.filter(({ refusal }) => refusal !== null) }, null, 2));
    return trail ? 0 : 1;
  }
  if (!trail) {
    out(problemText({ code: 'NOT_FOUND', facts: { what: id } }, language));
    return 1;
  }
  for (const { at, kind, what, where, by, eventId, detail } of trail.entries)
    out(
      [at.toISOString(), kind.padEnd(8), what, where ?? '', by ?? '', detail ?? '', eventId ?? ''].filter((part) => part !== '').join('  '),
    );
  for (const { application, refusal } of refusals) {
    const lines = refusalLines(refusal);
    if (lines.length > 0) out([application, ...lines].join('\n'));
  }
  return 0;
}
