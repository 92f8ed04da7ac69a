import { isAdapterError, type AssuranceLevel, type Localised, type MalformedRecord } from '#contract';
import { all, first, malformed, textOf, type Node, type TransferObject } from './reader.ts';
import { webAddress } from './text.ts';

/** An identifier: the text alone is not unique, agency and scheme belong to it. */
export interface Id {
  readonly agency: string;
  readonly scheme: string;
  readonly text: string;
}

/** Who is competent for a service where. */
export interface Competence {
  readonly service: string;
  readonly areas: readonly string[];
  readonly role: string;
}

export interface Leistung {
  readonly id: Id;
  readonly keys: readonly string[];
  /** Texts by LeiKa text module, as HTML. */
  readonly modules: Readonly<Record<string, Localised>>;
  /** Words for it that are no names: synonyms and the like. */
  readonly terms: readonly string[];
  readonly costs: string;
  readonly duration: string;
  readonly areas: readonly string[];
  readonly validFrom?: string;
  readonly validTo?: string;
  readonly place: { readonly path: string; readonly line: number };
}

export interface Unit {
  readonly name: string;
  readonly address: Readonly<Record<'street' | 'postalCode' | 'town', string | undefined>>;
}

export interface OnlineService {
  readonly url: string;
  readonly assuranceLevel: AssuranceLevel | null;
}

/** What a transfer, or several one after the other, holds at its end. */
export interface Transfer {
  readonly services: Map<string, Leistung>;
  readonly units: Map<string, Unit>;
  readonly online: Map<string, OnlineService>;
  /** By unit or online service, and where it was said. */
  readonly competences: Map<string, Map<string, readonly Competence[]>>;
  /** Services that cannot be read, by where or by whose id. */
  readonly odd: Map<string, MalformedRecord>;
  /** Objects of kinds that are not read, by kind. */
  readonly passedOver: Map<string, number>;
}

export const createTransfer = (): Transfer => ({
  services: new Map(),
  units: new Map(),
  online: new Map(),
  competences: new Map(),
  odd: new Map(),
  passedOver: new Map(),
});

/** Regional keys of Destatis; areas of other schemes are not understood. */
const regional = 'urn:de:bund:destatis:bevoelkerungsstatistik:schluessel:rs';
const MOST = 500_000;
/** Text modules that offers are made of. */
const readModules = new Set(['02', '03', '05', '08', '22', '24']);

/** Key under which an offer of this service is listed. */
export const localKeyOf = ({ agency, scheme, text }: Id): string =>
  [agency, scheme.startsWith(`${agency}_`) ? scheme.slice(agency.length + 1) : scheme, text].filter((part) => part !== '').join('.');

export const keyOf = ({ agency, scheme, text }: Id): string => JSON.stringify([agency, scheme, text]);

/** Takes one object in: a later one replaces an earlier one of the same id. */
export function takeObject(
  file: string,
  { verb, node }: TransferObject,
  transfer: Transfer,
  levels: Readonly<Record<string, AssuranceLevel>>,
): void {
  const { services, units, online, competences, passedOver } = transfer;
  const known = ['leistung', 'organisationseinheit', 'onlinedienst', 'zustaendigkeitTransferObjekt'];
  if (verb === 'schreibe' && !known.includes(node.name)) return void passedOver.set(node.name, (passedOver.get(node.name) ?? 0) + 1);
  if (verb === 'schreibe' && node.name === 'zustaendigkeitTransferObjekt') {
    const owner = keyOf(idOf(file, require(file, node, 'uebergeordnetesObjektID')));
    const said = competencesOf(file, node);
    const own = first(node, 'zustaendigkeit', 'id');
    const place = own ? keyOf(idOf(file, own)) : JSON.stringify(said);
    competences.set(owner, (competences.get(owner) ?? new Map()).set(place, said));
    return;
  }
  if (verb === 'schreibe' && node.name === 'leistung') return takeService(file, node, transfer);
  const idNode = node.name === 'id' ? node : require(file, node, 'id');
  const id = idOf(file, idNode);
  const key = keyOf(id);
  if (verb === 'loesche') {
    for (const map of [services, units, online, competences, transfer.odd]) map.delete(key);
    for (const said of competences.values()) said.delete(key);
    return;
  }
  if (services.size + units.size + online.size > MOST) throw malformed(file, node, `more than ${MOST} objects`);
  if (node.name === 'organisationseinheit') units.set(key, unitOf(node));
  else {
    const found = onlineOf(file, node, levels);
    if (found) online.set(key, found);
    else online.delete(key);
  }
  const said = competencesOf(file, node);
  competences.set(key, (competences.get(key) ?? new Map()).set('own', said));
}

/**
 * A service is an offer and nothing else hangs on it: one that cannot be read is set aside, and what an earlier message said of it does not
 * hold any more. Units, competences and online services belong to many offers, and without one of them those would look complete.
 */
function takeService(file: string, node: Node, { services, units, online, odd }: Transfer): void {
  if (services.size + units.size + online.size + odd.size > MOST) throw malformed(file, node, `more than ${MOST} objects`);
  let id: Id | null = null;
  try {
    id = idOf(file, require(file, node, 'id'));
    services.set(keyOf(id), leistungOf(file, node, id));
    odd.delete(keyOf(id));
  } catch (error) {
    if (!isAdapterError(error)) throw error;
    const key = id ? keyOf(id) : `${file} ${node.path}`;
    services.delete(key);
    odd.set(key, { ...(id ? { id: localKeyOf(id) } : {}), reason: error.message });
  }
}

function require(file: string, node: Node, name: string): Node {
  const found = first(node, name);
  if (!found) throw malformed(file, node, `no ${name}`);
  return found;
}

function idOf(file: string, node: Node): Id {
  const text = node.text.trim();
  if (!/^\S{1,100}$/.test(text)) throw malformed(file, node, 'an id is a text of up to 100 characters without spaces');
  return { agency: node.attributes['schemeAgencyID'] ?? '', scheme: node.attributes['schemeID'] ?? '', text };
}

/** Areas of `gebietID` or `gueltigkeitGebietID`; of another scheme than Destatis’: an area that is nowhere. */
const areasOf = (file: string, nodes: readonly Node[]): readonly string[] =>
  nodes.map((node) => {
    if (node.attributes['schemeID'] !== regional) return 'other';
    const text = node.text.trim();
    if (!/^\d{2}(\d(\d{2}(\d{4}(\d{3})?)?)?)?$/.test(text)) throw malformed(file, node, 'a regional key has 2, 3, 5, 9 or 12 digits');
    return text;
  });

const competencesOf = (file: string, node: Node): readonly Competence[] =>
  all(node, 'zustaendigkeit').map((competence) => ({
    service: keyOf(idOf(file, require(file, competence, 'leistungID'))),
    areas: areasOf(file, all(competence, 'gebietID')),
    role: textOf(competence, 'rolle', 'code') ?? '',
  }));

/** Texts of nodes by language; German is what is not marked as anything else. */
function localised(nodes: readonly Node[]): Localised | undefined {
  const inLanguage = (wanted: RegExp) =>
    nodes
      .filter(({ attributes }) => wanted.test(attributes['languageCode'] ?? 'de'))
      .map(({ text }) => text.trim())
      .filter((text) => text !== '')
      .join('\n');
  // A piece of a string keeps the whole in memory, here the part of the file it was read from: so it is copied.
  const [de, en] = [inLanguage(/^de/i), inLanguage(/^en/i)].map((text) => Buffer.from(text).toString()) as [string, string];
  if (de === '' && en === '') return undefined;
  return en === '' ? { de } : { de, en };
}

function leistungOf(file: string, node: Node, id: Id): Leistung {
  const keys = all(node, 'referenzLeiKa').flatMap(
    (reference) => textOf(reference, 'code')?.replace(/^urn:de:fim:leika:leistung:/, '') ?? [],
  );
  const modules: Record<string, Localised> = {};
  for (const part of all(node, 'modulText')) {
    const code = textOf(part, 'leikaTextmodul', 'code');
    const text = localised(all(part, 'inhalt'));
    // The long texts would fill the memory for nothing.
    if (code !== undefined && text && readModules.has(code)) modules[code] ??= text;
  }
  const described = (name: string) => localised(all(node, name).flatMap((part) => all(part, 'beschreibung')))?.de ?? '';
  const validFrom = dayOf(file, first(node, 'gueltigkeit', 'beginn'));
  const validTo = dayOf(file, first(node, 'gueltigkeit', 'ende'));
  return {
    id,
    keys: [...new Set(keys)],
    modules,
    terms: all(node, 'modulBegriffImKontext')
      .flatMap((part) => all(part, 'begriffImKontext'))
      .flatMap((term) => Object.values(localised(all(term, 'begriff')) ?? {})),
    costs: described('modulKosten'),
    duration: described('modulBearbeitungsdauer'),
    areas: areasOf(file, all(node, 'gueltigkeitGebietID')),
    ...(validFrom === undefined ? {} : { validFrom }),
    ...(validTo === undefined ? {} : { validTo }),
    place: { path: node.path, line: node.line },
  };
}

function dayOf(file: string, node: Node | undefined): string | undefined {
  if (!node || node.text.trim() === '') return undefined;
  const day = /^(\d{4}-\d\d-\d\d)(T[\d:.]+)?(Z|[+-]\d\d:\d\d)?$/.exec(node.text.trim())?.[1];
  const moment = new Date(`${day}T00:00:00Z`);
  if (day === undefined || Number.isNaN(moment.getTime()) || moment.toISOString().slice(0, 10) !== day)
    throw malformed(file, node, 'a date such as 2026-11-01 is expected');
  return day;
}

function unitOf(node: Node): Unit {
  const address = first(node, 'anschrift');
  const street = [textOf(address, 'strasse'), textOf(address, 'hausnummer')].filter((part) => part !== undefined).join(' ');
  const postalCode = textOf(address, 'postleitzahl');
  return {
    name: localised(all(first(node, 'name'), 'name'))?.de ?? '',
    address: {
      street: street === '' ? undefined : street,
      postalCode: /^\d{5}$/.test(postalCode ?? '') ? postalCode : undefined,
      town: textOf(address, 'ort'),
    },
  };
}

/** Null where no link leads to it. */
function onlineOf(file: string, node: Node, levels: Readonly<Record<string, AssuranceLevel>>): OnlineService | null {
  const code = first(node, 'vertrauensniveau', 'code');
  const value = code?.text.trim() ?? '';
  if (code && value !== '' && !Object.hasOwn(levels, value))
    throw malformed(
      file,
      code,
      `vertrauensniveau ${/^\w{1,10}$/.test(value) ? value : ''} is not listed: add it under config.assuranceLevels`,
    );
  const links = all(node, 'link');
  // Type 01 is the way in; others lead to information about it.
  const url = webAddress(textOf(links.find((link) => textOf(link, 'typ', 'code') === '01') ?? links[0], 'link'));
  return url === undefined ? null : { url, assuranceLevel: levels[value] ?? null };
}
