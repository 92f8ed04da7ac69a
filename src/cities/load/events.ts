import { BlockList, isIP } from 'node:net';
import type { Json } from '#contract';
import type { EventChannel, EventChoice, EventGrant, EventWebhook } from '../cities.ts';
import { say, shown, type Complaint } from './complaint.ts';
import type { Ports } from './ports.ts';
import { isReference, resolveReferences } from './references.ts';
import type { Path, Source } from './source.ts';

interface ChoiceEntry {
  readonly types: readonly string[];
  readonly services?: readonly string[];
}

/** `events` of a city's file after its shape was checked. */
export interface EventsEntry {
  readonly deliver: EventChannel['deliver'];
  readonly url?: Json;
  readonly secrets?: readonly Json[];
  readonly privateNetworks?: readonly string[];
  readonly timeoutMs?: number;
  readonly adapter?: string;
  readonly concurrency?: number;
  readonly subscribe?: readonly ChoiceEntry[];
}

/** One of `grants`. */
export interface GrantEntry extends ChoiceEntry {
  readonly to: string;
}

/** What an entry becomes. */
export interface CheckedEvents {
  readonly channel: EventChannel;
  readonly webhook: EventWebhook | null;
}

export interface EventsSurroundings {
  readonly adapters: readonly string[];
  readonly ports: ReadonlyMap<string, Ports>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Plain http and secrets in clear text pass. */
  readonly development: boolean;
}

/** Keys that belong to one way of delivery only. */
const keysOf = {
  webhook: ['url', 'secrets', 'privateNetworks', 'timeoutMs'],
  kafka: [],
  adapter: ['adapter'],
} as const satisfies Record<EventChannel['deliver'], readonly (keyof EventsEntry)[]>;
const everywhere = ['deliver', 'concurrency', 'subscribe'];

const expected = {
  url: { de: 'die Adresse, an die Ereignisse gehen', en: 'the address events go to' },
  secrets: { de: 'die Schlüssel, mit denen signiert wird, als Verweise', en: 'the keys that sign, by reference' },
  adapter: { de: 'der Name eines der adapters dieser Datei', en: 'the name of one of this file’s adapters' },
} as const;

const signingKey = {
  de: 'whsec_ oder whsk_ und mindestens 24 Bytes in Base64 (ed25519: 32 oder 64)',
  en: 'whsec_ or whsk_ and at least 24 bytes in Base64 (ed25519: 32 or 64)',
} as const;

const fitsSigningKey = (text: string): boolean => {
  const [, kind, key = ''] = /^(whsec|whsk)_([A-Za-z0-9+/]+=*)$/.exec(text) ?? [];
  const bytes = Buffer.from(key, 'base64').length;
  return kind === 'whsk' ? bytes === 32 || bytes === 64 : kind === 'whsec' && bytes >= 24 && bytes <= 64;
};

/** Networks that a city's own can lie in (RFC 1918, 6598, 4193); what is wider, or elsewhere, opens more than one city's network. */
const privateBlocks = [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['fc00::', 7],
] as const;

const fitsNetwork = (network: string): boolean => {
  const [address = '', bits = ''] = network.split('/');
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  try {
    new BlockList().addSubnet(address, Number(bits), family);
  } catch {
    return false;
  }
  return privateBlocks.some(([block, prefix]) => {
    const list = new BlockList();
    list.addSubnet(block, prefix, isIP(block) === 6 ? 'ipv6' : 'ipv4');
    return list.check(address, family) && Number(bits) >= prefix;
  });
};

/** A choice with its default. */
export const toChoice = ({ types, services = ['*'] }: ChoiceEntry): EventChoice => ({ types, services });

/** A grant with its default. */
export const toGrant = ({ to, ...choice }: GrantEntry): EventGrant => ({ to, ...toChoice(choice) });

/** The way of events to a city, or what is wrong with it. */
export function checkEvents(source: Source, entry: EventsEntry, around: EventsSurroundings): CheckedEvents | readonly Complaint[] {
  const own: readonly string[] = keysOf[entry.deliver];
  const needed = (['url', 'secrets', 'adapter'] as const).filter((key) => own.includes(key) && entry[key] === undefined);
  const stray = Object.keys(entry).filter((key) => !own.includes(key) && !everywhere.includes(key));
  const complaints = [
    ...needed.map((key) => source.complain(['events', key], say.missing(key, expected[key]))),
    ...stray.map((key) => source.complain(['events', key], say.notWith(key, entry.deliver, [...everywhere, ...own]), 'key')),
    ...(entry.deliver === 'adapter' && entry.adapter !== undefined ? complaintsOfAdapter(source, entry.adapter, around) : []),
  ];
  if (complaints.length > 0) return complaints;
  const channel: EventChannel = {
    deliver: entry.deliver,
    ...(entry.adapter === undefined ? {} : { adapter: entry.adapter }),
    concurrency: entry.concurrency ?? 4,
    subscribe: (entry.subscribe ?? []).map(toChoice),
  };
  if (entry.deliver !== 'webhook') return { channel, webhook: null };
  const webhook = checkWebhook(source, entry, around);
  return 'url' in webhook ? { channel, webhook } : webhook;
}

function complaintsOfAdapter(source: Source, name: string, { adapters, ports }: EventsSurroundings): readonly Complaint[] {
  if (!adapters.includes(name)) return [source.complain(['events', 'adapter'], say.unknownAdapter(name, adapters))];
  const takes = (one: string): boolean | undefined => {
    const found = ports.get(one);
    return found && 'has' in found ? found.has.has('events') : undefined;
  };
  return takes(name) === false ? [source.complain(['events', 'adapter'], say.takesNoEvents(name, adapters.filter(takes)))] : [];
}

function checkWebhook(source: Source, entry: EventsEntry, { env, development }: EventsSurroundings): EventWebhook | readonly Complaint[] {
  const complaints: Complaint[] = [];
  const complain = (path: Path, saying: Parameters<Source['complain']>[1]) => complaints.push(source.complain(['events', ...path], saying));
  const { url = null, secrets = [], privateNetworks = [], timeoutMs = 10_000 } = entry;
  const literal = secrets.findIndex((secret) => !isReference(secret));
  if (literal >= 0 && !development) complain(['secrets', literal], say.literalSecret('CITY_EVENTS_KEY'));
  const resolved = resolveReferences({ url, secrets: [...secrets] }, env, source.file);
  for (const { path, saying } of resolved.complaints) complain(path, saying);
  if (complaints.length > 0) return complaints;
  const { url: address, secrets: keys } = resolved.value as { url: Json; secrets: readonly Json[] };
  const parsed = typeof address === 'string' ? URL.parse(address) : null;
  if (!parsed || !(parsed.protocol === 'https:' || (development && parsed.protocol === 'http:')) || parsed.username || parsed.password)
    complain(
      ['url'],
      say.invalid(isReference(url) || parsed?.password ? '(…)' : shown(address), {
        de: 'eine Adresse mit https://, ohne Zugangsdaten darin',
        en: 'an address with https://, without credentials in it',
      }),
    );
  for (const [index, key] of keys.entries())
    if (typeof key !== 'string' || !fitsSigningKey(key)) complain(['secrets', index], say.invalid('(…)', signingKey));
  for (const [index, network] of privateNetworks.entries())
    if (!fitsNetwork(network))
      complain(
        ['privateNetworks', index],
        say.invalid(shown(network), {
          de: 'ein Netz der Stadt, das nicht öffentlich ist, zum Beispiel 10.20.0.0/16',
          en: 'a network of the city that is not public, for example 10.20.0.0/16',
        }),
      );
  if (complaints.length > 0 || !parsed) return complaints;
  return { url: parsed.href, secrets: keys as readonly string[], privateNetworks, timeoutMs };
}
