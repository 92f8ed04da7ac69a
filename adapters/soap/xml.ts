import { SaxesParser } from 'saxes';
import type { Json } from '#contract';

/** An XML element with its name resolved: prefixes are the writer's own affair. */
export interface Element {
  readonly name: string;
  readonly namespace: string;
  readonly attributes: readonly { readonly name: string; readonly namespace: string; readonly value: string }[];
  readonly children: readonly Element[];
  /** Text of its own, not that of its children. */
  readonly text: string;
  /** Namespaces by prefix at this place, for names that stand in values; the empty prefix is the default. */
  readonly scope: Readonly<Record<string, string>>;
}

/** Why a text is no XML that is read here: it quotes nothing of the text. */
export class XmlError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'XmlError';
  }
}

const MOST = { characters: 8 * 1024 * 1024, depth: 64, elements: 200_000 };

const instance = 'http://www.w3.org/2001/XMLSchema-instance';

/**
 * The root of an XML 1.0 text. Well-formedness and prefixes are insisted on; a DOCTYPE is refused, so that no entity but
 * the five of XML itself can be declared, expanded or fetched.
 * @throws XmlError with the line
 */
export function parseXml(text: string): Element {
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
      scope: Object.keys(tag.ns).length > 0 ? { ...above?.scope, ...tag.ns } : (above?.scope ?? {}),
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
  parser.write(text.replace(/^\uFEFF/, '')).close();
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
  return { name, namespace: element.scope[prefix] ?? '' };
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
