import { Option, type Command } from 'commander';
import type { DeliveryView } from '../events/events.ts';
import { readRange, runChannels, runDeliveries, runEventsDecision, runTrace, type EventsDecision, type EventsVerb } from './deliveries.ts';
import { newTraceparent } from './parked.ts';

/** Opens the hub, runs a verb on it and takes its exit code. */
export type WithEvents = (run: (verb: EventsVerb) => Promise<number>) => Promise<void>;

type Options = Readonly<Record<string, string | boolean | undefined>>;
type Run = (verb: EventsVerb, options: Options, words: readonly string[]) => Promise<number>;

const text = (value: Options[string]) => (typeof value === 'string' ? value : undefined);

const states = ['waiting', 'leased', 'delivered', 'parked', 'skipped', 'discarded'] as const satisfies readonly DeliveryView['state'][];

/** Carries out what the words and options of a verb decide; 2 where they decide nothing. */
const decide =
  (decision: (options: Options, eventId: string, verb: EventsVerb) => EventsDecision | null): Run =>
  async (verb, options, [city = '', eventId = '']) => {
    const decided = decision(options, eventId, verb);
    return decided ? runEventsDecision(verb, city, decided, newTraceparent()) : 2;
  };

/** The verbs about events on their way to cities, under `events`, and `trace`. */
export function addDeliveryVerbs({ events, trace }: { readonly events: Command; readonly trace: Command }, withEvents: WithEvents): void {
  const act = (command: Command, run: Run): Command =>
    command.exitOverride().action(async (...given: unknown[]) => {
      const options = given.at(-2) as Options;
      await withEvents((verb) => run({ ...verb, json: options['json'] === true }, options, given.slice(0, -2).map(String)));
    });
  const add = (name: string, description: string, run: Run): Command => act(events.command(name).description(description), run);

  add('channels', 'how events reach each city, and how that goes', (verb) => runChannels(verb)).option('--json', 'one JSON document');
  add('deliveries', 'the delivery log, newest first', (verb, { city, state, type, first }) =>
    runDeliveries(verb, {
      city: text(city),
      state: states.find((one) => one === state),
      type: text(type),
      first: Math.min(1000, Math.max(1, Number(first) || 50)),
    }),
  )
    .option('--city <id or ARS>', 'only to this city')
    .addOption(new Option('--state <state>', 'only in this state').choices(states))
    .option('--type <type>', 'only of this type, for example move.registered')
    .option('--first <number>', 'how many', '50')
    .option('--json', 'one JSON document');
  add('parked', 'events that wait for a person', (verb, { city }) =>
    runDeliveries(verb, { city: text(city), state: 'parked', first: 1000 }),
  )
    .option('--city <id or ARS>', 'only to this city')
    .option('--json', 'one JSON document');
  add(
    'release <city> <event>',
    'try a parked event again',
    decide((_, eventId) => ({ action: 'release', eventId })),
  );
  add(
    'discard <city> <event>',
    'give a parked event up',
    decide(({ reason }, eventId) => ({ action: 'discard', eventId, reason: text(reason) ?? '' })),
  ).requiredOption('--reason <text>', 'why; it is kept, so say nothing about people');
  for (const [action, description] of [
    ['pause', 'hold events to a city'],
    ['resume', 'send events to a city again'],
    ['test', 'send a city an event that says nothing; prints its id'],
  ] as const)
    add(
      `${action} <city>`,
      description,
      decide(() => ({ action })),
    );
  add(
    'replay <city>',
    'send again what a city gets of the events of a time or a case, under their ids',
    decide(({ from, until, about }, _, verb) => {
      const range = readRange({ from: text(from), until: text(until), about: text(about) }, verb);
      return range && { action: 'replay', range };
    }),
  )
    .option('--from <time>', 'events from then on')
    .option('--until <time>', 'events before')
    .option('--about <id>', 'events of this case or application');

  act(trace, (verb, _, [id = '']) => runTrace(verb, id)).option('--json', 'one JSON document');
}
