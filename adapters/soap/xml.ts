import { SaxesParser } from 'saxes';
import { breathe, type Json } from '#contract';

/** An XML element with its name resolved: prefixes are the writer's own affair. */
export interface Element {
  readonly name: string;
  readonly namespace: string;
  readonly attributes: readonly { readonly name: string; readonly namespace: string; readonly value: string }[];
  readonly children: readonly Element[];
  /** Text of its own, not that of its children. */
  readonly text: string;
  /** Namespaces at this place, for names that stand in values. */
  readonly scope: Scope | null;
}

/** Namespaces by prefix as an element declares them, then those around it; the empty prefix is the default. */
export interface Scope {
  readonly own: Readonly<Record<string, string>>;
  readonly above: Scope | null;
}

/** Why a text is no XML that is read here: it quotes nothing of the text. */
export class XmlError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'XmlError';
  }
}

const MOST = { characters: 8 * 1024 * 1024, depth: 64, elements: 100_000, attributes: 500 };

/** Characters read at a time, so that a long text holds nobody else up. */
const PIECE = 64 * 1024;

const instance = 'http://www.w3.org/2001/XMLSchema-instance';

/**
 * The root of an XML 1.0 text. Well-formedness and prefixes are insisted on; a DOCTYPE is refused, so that no entity but
 * the five of XML itself can be declared, expanded or fetched. The time it takes grows with its length and no faster.
 * @throws XmlError with the line
 */
export async function parseXml(text: string): Promise<Element> {
  if (text.length > MOST.characters) throw new XmlError(`longer than ${MOST.characters} characters`);
  const parser = new SaxesParser({ xmlns: true });
  const open: (Element & { children: Element[]; text: string })[] = [];
  let root: Element | null = null;
  let elements = 0;
  const fail = (why: string): never => {
    throw new XmlError(`line ${parser.line}: ${why}`);
  };
  // The library's messages quote names and characters of the text.
  parser.on('error', () => fail('not well-formed XML'));
  parser.on('doctype', () => fail('a DOCTYPE, which is not accepted'));
  // Counted as they come: what belongs to one element is made in one go.
  let own = 0;
  parser.on('opentagstart', () => void (own = 0));
  parser.on('attribute', () => {
    if (++own > MOST.attributes) fail('an element with too many attributes');
  });
  parser.on('opentag', (tag) => {
    if (++elements > MOST.elements || open.length >= MOST.depth) fail('too many or too deeply nested elements');
    const above = open.at(-1);
    const attributes = Object.values(tag.attributes);
    const element = {
      name: tag.local,
      namespace: tag.uri,
      attributes: attributes
        .filter(({ prefix, name }) => prefix !== 'xmlns' && name !== 'xmlns')
        .map(({ local, uri, value }) => ({ name: local, namespace: uri, value })),
      children: [],
      text: '',
      // Not copied: whoever declares much at the top would have it copied for every element below.
      scope: Object.keys(tag.ns).length > 0 ? { own: tag.ns, above: above?.scope ?? null } : (above?.scope ?? null),
    };
    above?.children.push(element);
    root ??= element;
    open.push(element);
  });
  parser.on('closetag', () => void open.pop());
  const append = (piece: string) => {
    const last = open.at(-1);
    if (last) last.text += piece;
  };
  parser.on('text', append);
  parser.on('cdata', append);
  const whole = text.replace(/^\uFEFF/, '');
  for (let from = 0; from < whole.length; from += PIECE) {
    if (from > 0) await breathe();
    parser.write(whole.slice(from, from + PIECE));
  }
  parser.close();
  return root ?? fail('no element');
}

/** The first child of this name, in any namespace where none is given. */
export const childOf = (element: Element | undefined, name: string, namespace?: string): Element | undefined =>
  element?.children.find((child) => child.name === name && (namespace === undefined || child.namespace === namespace));

export const attributeOf = (element: Element, name: string): string | undefined =>
  element.attributes.find((attribute) => attribute.name === name && attribute.namespace === '')?.value;

/** A name with a prefix, as it stands in values such as `type="tns:Fall"`. */
export function qualified(element: Element, value: string): { readonly name: string; readonly namespace: string } {
  const [prefix, name] = value.includes(':') ? (value.trim().split(':', 2) as [string, string]) : ['', value.trim()];
  return { name, namespace: resolve(element.scope, prefix) };
}

function resolve(scope: Scope | null, prefix: string): string {
  for (let place = scope; place; place = place.above) if (Object.hasOwn(place.own, prefix)) return place.own[prefix] ?? '';
  return '';
}

/**
 * An element as JSON: an object of its children and `@attributes`, or its text where it has neither; children of the same
 * name become a list; `xsi:nil` becomes null.
 */
export function toJson(element: Element): Json {
  if (element.attributes.some(({ name, namespace, value }) => namespace === instance && name === 'nil' && /^(true|1)$/.test(value)))
    return null;
  const own = element.attributes.filter(({ namespace }) => namespace !== instance);
  if (element.children.length === 0 && own.length === 0) return element.text.trim();
  const names = Object.create(null) as Record<string, Json[]>;
  for (const { name, value } of own) names[`@${name}`] = [value];
  for (const child of element.children) (names[child.name] ??= []).push(toJson(child));
  if (element.children.length === 0) names['#text'] = [element.text.trim()];
  const tree = Object.create(null) as Record<string, Json>;
  for (const [name, values] of Object.entries(names)) tree[name] = values.length === 1 ? (values[0] ?? null) : values;
  return tree;
}

/** An element to be written. */
export interface Draft {
  readonly name: string;
  readonly namespace: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly children?: readonly Draft[];
  readonly text?: string;
}

/** XML 1.0 has no place for these characters, not even escaped. */
// oxlint-disable-next-line no-control-regex -- naming them is the point
const unwritable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

const marks: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** A text as content of an element or an attribute: it can never become markup. */
export const escapeXml = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(unwritable, '\uFFFD')
    .replaceAll(/[&<>"]/g, (mark) => marks[mark] ?? mark)
    .replaceAll(/[\r\n\t]/g, (space) => (space === '\n' ? '\n' : `&#${space.charCodeAt(0)};`));

/** The element as XML, namespaces declared where they change. */
export function writeXml(draft: Draft, outer = ''): string {
  const declared = draft.namespace === outer ? '' : ` xmlns="${escapeXml(draft.namespace)}"`;
  const attributes = Object.entries(draft.attributes ?? {}).map(
    ([name, value]) => ` ${name}="${escapeXml(value).replaceAll('\n', '&#10;')}"`,
  );
  const content = escapeXml(draft.text ?? '') + (draft.children ?? []).map((child) => writeXml(child, draft.namespace)).join('');
  return `<${draft.name}${declared}${attributes.join('')}>${content}</${draft.name}>`;
}
