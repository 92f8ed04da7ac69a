import { Complaints, nearestWord, refuseImport } from '../import/complaints.ts';
import type { SourceText } from '../import/source.ts';
import {
  fieldKinds,
  limitNames,
  valueTypes,
  type CodeListReference,
  type DataElement,
  type DataField,
  type DataGroup,
  type DataMember,
  type DataRule,
  type DataSchema,
  type LimitName,
} from './data-schema.ts';
import { childOf, childrenOf, parseXml, textAt, type XmlElement } from './xml-tree.ts';

/*
 * XDatenfelder (FITKO/KoSIT, messages 0102 stammdatenschema and 0103 datenfeldgruppe) → DataSchema. Versions 1, 2 and 3
 * differ in where things stand, not in what they mean:
 *
 *                 1                          2                                 3
 *   id, version   id                         identifikation/{id,version}       identifikation/{id,version}
 *   limits        JSON in praezisierung      JSON in praezisierung             attributes of praezisierung
 *   code list     codeliste/{kennung,        codelisteReferenz/genericode-     werte/wert/{code,name,hilfe}, or
 *                 version}                   Identification/{canonical…}       codelisteReferenz/{canonical…}
 *   rule's text   definition                 definition                        freitextRegel
 *
 * What the hub has no use for is passed over; what it needs and does not find is complained about, all at once.
 */

const namespace = /^urn:xoev-de:fim:standard:xdatenfelder_([123])(?:\.\d+)*$/;

/**
 * Reads a data schema, or a single group, from XDatenfelder 1, 2 or 3.
 * @throws HubError IMPORT_REFUSED with element, line and reason of everything that is wrong
 */
export function readDataSchema(source: SourceText): DataSchema {
  const message = parseXml(source);
  const standard = namespace.exec(message.namespace)?.[1];
  if (!standard)
    throw refuseImport(
      `${source.name}:${message.line}`,
      `<${message.name}> is in the namespace "${message.namespace.slice(0, 100)}"; expected XDatenfelder 1, 2 or 3 (urn:xoev-de:fim:standard:xdatenfelder_…)`,
    );
  const top = childOf(message, 'stammdatenschema') ?? childOf(message, 'datenfeldgruppe');
  if (!top)
    throw refuseImport(`${source.name}:${message.line}`, `<${message.name}> has neither a <stammdatenschema> nor a <datenfeldgruppe>`);
  const complaints = new Complaints();
  const said = new Set<string>();
  const reader = createReader(Number(standard) as 1 | 2 | 3, message, ({ name, line }, what) => {
    const mark = `${line} ${name} ${what}`;
    if (!said.has(mark)) complaints.add(`${source.name}:${line}`, `<${name}> ${what}`);
    said.add(mark);
  });
  const schema = reader.schema(top);
  complaints.refuseIfAny();
  return schema;
}

/** Elements of a schema, a group, a field and a place in them that something is read of. */
const known: readonly string[] = (
  'id version identifikation name bezeichnungEingabe bezeichnungAusgabe beschreibung definition bezug ' +
  'hilfetext hilfetextEingabe hilfetextAusgabe regel struktur anzahl enthaelt art feldart ' +
  'datentyp praezisierung inhalt werte wert codeliste codelisteReferenz codeKey nameKey ' +
  'helpKey mediaType maxSize schemaelementart status versionshinweis freigabedatum veroeffentlichungsdatum gueltigAb ' +
  'gueltigBis relation stichwort dokumentsteckbrief ableitungsmodifikationenStruktur ableitungsmodifikationenRepraesentation vorbefuellung statusGesetztDurch statusGesetztAm ' +
  'letzteAenderung fachlicherErsteller versionsinfo nutzernummer '
)
  .trim()
  .split(' ');

/** Those of them without which a field, a choice or a limit would silently be missing. */
const weighty: readonly string[] = [
  'struktur',
  'anzahl',
  'enthaelt',
  'feldart',
  'datentyp',
  'praezisierung',
  'codelisteReferenz',
  'identifikation',
];

type Complain = (element: XmlElement, what: string) => void;

function createReader(standard: 1 | 2 | 3, message: XmlElement, complain: Complain) {
  const ruleText = standard === 3 ? 'freitextRegel' : 'definition';
  const described = new Map<string, { readonly content: string; readonly line: number }>();

  /** One id in one version is one thing wherever it stands; a form that asks for two under it is wrong in one of the places. */
  function once<T extends DataField | DataGroup>(element: XmlElement, one: T): T {
    const mark = `${one.id} ${one.version}`;
    const content = JSON.stringify(one, (name, value: unknown) => (name === 'line' ? undefined : value));
    const before = described.get(mark);
    if (one.id && before && before.content !== content)
      complain(element, `describes ${one.id} in version ${one.version || '–'} otherwise than line ${before.line} does`);
    if (!before) described.set(mark, { content, line: element.line });
    return one;
  }

  /** An element whose name is nearly one that is read would be passed over with all that stands in it. */
  function spelled(element: XmlElement): void {
    for (const child of element.children) {
      if (known.includes(child.name)) continue;
      const near = nearestWord(child.name, weighty);
      if (near) complain(child, `is no element of XDatenfelder; did you mean <${near}>?`);
    }
  }

  function base(element: XmlElement): DataElement {
    spelled(element);
    const identified = childOf(element, 'identifikation') ?? element;
    const id = textAt(identified, 'id');
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,40}$/.test(id))
      complain(element, id ? `has the id "${id.slice(0, 50)}"; expected letters and digits such as F60000227` : 'has no <id>');
    const name = wording(textAt(element, 'name'));
    const label = wording(textAt(element, 'bezeichnungEingabe'));
    if (!name && !label) complain(element, `${id} has neither a <name> nor a <bezeichnungEingabe>`);
    return {
      id,
      version: textAt(identified, 'version'),
      name: name || label,
      label: label || name,
      help: wording(textAt(element, 'hilfetextEingabe')),
      line: element.line,
      rules: childrenOf(element, 'regel').map(rule),
    };
  }

  function rule(element: XmlElement): DataRule {
    const identified = childOf(element, 'identifikation') ?? element;
    const text = wording(textAt(element, ruleText)) || wording(textAt(element, 'beschreibung'));
    return { id: textAt(identified, 'id'), name: textAt(element, 'name'), text, line: element.line };
  }

  function members(element: XmlElement): readonly DataMember[] {
    const found = childrenOf(element, 'struktur').flatMap((place): DataMember[] => {
      spelled(place);
      const [, least = '', most = ''] = /^(\d{1,6}):(\d{1,6}|\*)$/.exec(textAt(place, 'anzahl')) ?? [];
      if (!least || (most !== '*' && Number(most) < Number(least)))
        complain(childOf(place, 'anzahl') ?? place, `is "${textAt(place, 'anzahl').slice(0, 50)}"; expected how often, such as 1:1 or 0:*`);
      const held = (childOf(place, 'enthaelt')?.children ?? []).filter(({ name }) => name === 'datenfeld' || name === 'datenfeldgruppe');
      const [inner] = held;
      if (!inner || held.length > 1) {
        complain(place, `holds ${held.length} elements; expected one <datenfeld> or <datenfeldgruppe> in <enthaelt>`);
        return [];
      }
      const element = inner.name === 'datenfeld' ? field(inner) : group(inner);
      return [{ least: Number(least), most: most === '*' ? null : Number(most), element }];
    });
    const seen = new Set<string>();
    for (const { element: one } of found) {
      const mark = `${one.id} ${one.version}`;
      if (one.id && seen.has(mark)) complain(element, `holds ${one.id} in version ${one.version || '–'} twice (again in line ${one.line})`);
      seen.add(mark);
    }
    return found;
  }

  const group = (element: XmlElement): DataGroup =>
    once(element, {
      ...base(element),
      kind: 'group',
      choice: textAt(element, 'art', 'code') === 'X',
      members: members(element),
    });

  function code<T extends string>(element: XmlElement, name: string, known: readonly T[]): T {
    const found = textAt(element, name, 'code');
    if ((known as readonly string[]).includes(found)) return found as T;
    const near = nearestWord(found, known);
    complain(
      childOf(element, name) ?? element,
      found
        ? `has the code "${found.slice(0, 50)}"; ${near ? `did you mean "${near}"?` : `known are ${known.join(', ')}`}`
        : `lacks <${name}> with its <code>`,
    );
    return known[0] as T;
  }

  const field = (element: XmlElement): DataField =>
    once(element, {
      ...base(element),
      kind: 'field',
      fieldKind: code(element, 'feldart', fieldKinds),
      valueType: code(element, 'datentyp', valueTypes),
      ...limitsOf(childOf(element, 'praezisierung')),
      content: textAt(element, 'inhalt'),
      values: childrenOf(childOf(element, 'werte') ?? element, 'wert').map((value) => {
        const help = wording(textAt(value, 'hilfe'));
        if (!textAt(value, 'code')) complain(value, 'has no <code>');
        return { code: textAt(value, 'code'), name: textAt(value, 'name') || textAt(value, 'code'), ...(help ? { help } : {}) };
      }),
      codeList: codeListOf(element),
      mediaTypes: childrenOf(element, 'mediaType').map(({ text }) => text),
      maxSize: textAt(element, 'maxSize'),
    });

  /** A group by itself is a form with that group in it: what is said of the group (a choice, rules) keeps its place. */
  function schema(element: XmlElement): DataSchema {
    const own = base(element);
    const whole = element.name === 'stammdatenschema';
    return {
      ...own,
      // Version 1 has the schema's version in the header.
      version: own.version || textAt(message, 'header', 'version'),
      help: wording(textAt(element, 'hilfetext')) || own.help || wording(textAt(element, 'beschreibung')),
      kind: 'schema',
      standard,
      members: whole ? members(element) : [{ least: 1, most: 1, element: group(element) }],
      rules: whole ? own.rules : [],
    };
  }

  return { schema };
}

/** Editors write a dash where they have nothing to say. */
const wording = (text: string): string => (/^[-–—.\s]*$/.test(text) ? '' : text.replaceAll(/[ \t]*\r?\n\s*/g, '\n'));

/** Version 3 has attributes; the others have JSON, or prose where an editor did not know better. */
function limitsOf(element: XmlElement | undefined): Pick<DataField, 'limits' | 'otherLimits'> {
  if (!element) return { limits: {}, otherLimits: '' };
  const given = new Map(element.attributes);
  let otherLimits = wording(element.text);
  if (otherLimits.startsWith('{'))
    try {
      for (const [name, value] of Object.entries(JSON.parse(otherLimits) as object))
        if (typeof value === 'string' || typeof value === 'number') given.set(name, String(value));
      otherLimits = '';
    } catch {
      // It stays what it is, and is reported as not converted.
    }
  const limits: Partial<Record<LimitName, string>> = {};
  for (const name of limitNames) {
    const value = given.get(name);
    if (value !== undefined && value !== '') limits[name] = value;
    given.delete(name);
  }
  // What is no limit of the standard is told as it stands; names with a prefix are another standard's.
  const others = [...given].filter(([name, value]) => value !== '' && !/^xmlns$|:/.test(name)).map(([name, value]) => `${name} ${value}`);
  return { limits, otherLimits: [otherLimits, ...others].filter((text) => text !== '').join(', ') };
}

function codeListOf(element: XmlElement): CodeListReference | null {
  const first = childOf(element, 'codeliste');
  if (first) return { uri: textAt(first, 'kennung'), version: textAt(first, 'version'), codeColumn: '', nameColumn: '' };
  const later = childOf(element, 'codelisteReferenz');
  if (!later) return null;
  const identified = childOf(later, 'genericodeIdentification') ?? later;
  const uri = textAt(identified, 'canonicalIdentification');
  return uri
    ? { uri, version: textAt(identified, 'version'), codeColumn: textAt(element, 'codeKey'), nameColumn: textAt(element, 'nameKey') }
    : null;
}
