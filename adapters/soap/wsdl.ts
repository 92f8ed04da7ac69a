import { AdapterError, readText, type Call, type Host } from '#contract';
import type { SoapConfig } from './config.ts';
import { basic, byStatus } from './http.ts';
import { attributeOf, childOf, parseXml, qualified, XmlError, type Element } from './xml.ts';

const wsdlNamespace = 'http://schemas.xmlsoap.org/wsdl/';
export const schemaNamespace = 'http://www.w3.org/2001/XMLSchema';
/** Namespaces of a WSDL's SOAP bindings, by SOAP version. */
const bindings: Readonly<Record<string, SoapConfig['version']>> = {
  'http://schemas.xmlsoap.org/wsdl/soap/': '1.1',
  'http://schemas.xmlsoap.org/wsdl/soap12/': '1.2',
};

export interface Named {
  readonly name: string;
  readonly namespace: string;
}

/** An operation of one binding. */
export interface WsdlOperation {
  readonly name: string;
  readonly version: SoapConfig['version'];
  readonly action: string;
  /** `document` with literal messages, or what else the binding says. */
  readonly style: 'document' | 'rpc' | 'encoded';
  /** Elements of request and answer; null where a message has no element, as rpc messages have. */
  readonly input: Named | null;
  readonly output: Named | null;
}

/** A service as its WSDL tells, all imported parts together. */
export interface Wsdl {
  readonly operations: readonly WsdlOperation[];
  /** Every xs:schema. */
  readonly schemas: readonly Element[];
}

/** Parts that a WSDL may be cut into. */
const MOST_PARTS = 30;

/**
 * Reads the WSDL and what it imports. Imports are followed on the endpoint's own host only, whatever host they name:
 * services behind a proxy name the one inside.
 * @throws AdapterError misconfigured where there is no WSDL
 */
export async function readWsdl(config: SoapConfig, host: Host, call: Call): Promise<Wsdl> {
  const own = new URL(config.url);
  const definitions: Element[] = [];
  const schemas: Element[] = [];
  const seen = new Set<string>();

  async function read(location: string, base: URL): Promise<void> {
    const url = new URL(location, base);
    [url.protocol, url.host] = [own.protocol, own.host];
    url.hash = '';
    if (seen.has(url.href)) return;
    seen.add(url.href);
    if (seen.size > MOST_PARTS)
      throw new AdapterError('misconfigured', 'none', `the WSDL has more than ${MOST_PARTS} parts: say wsdl: none`);
    const response = await host.fetch(url, {
      signal: call.signal,
      headers: { accept: 'text/xml, application/xml', ...basic(config.auth) },
    });
    if (!response.ok) {
      const error = byStatus(response, 'none', host.now());
      // What an address without a WSDL answers says nothing about the service itself.
      throw error.kind === 'rejected' || response.status === 404 || response.status === 405
        ? new AdapterError('misconfigured', 'none', `there is no WSDL under ${url.pathname}${url.search} (${response.status}): set wsdl`)
        : error;
    }
    await add(await parse(await readText(response), url), url);
  }

  async function add(root: Element, url: URL): Promise<void> {
    if (root.namespace === schemaNamespace && root.name === 'schema') {
      schemas.push(root);
      for (const part of root.children.filter(({ name, namespace }) => namespace === schemaNamespace && /^(import|include)$/.test(name))) {
        const location = attributeOf(part, 'schemaLocation');
        if (location !== undefined) await readPart(location, url);
      }
      return;
    }
    if (root.namespace !== wsdlNamespace || root.name !== 'definitions')
      throw new AdapterError('misconfigured', 'none', `${url.pathname}${url.search} answers no WSDL 1.1: set wsdl, or say none`);
    definitions.push(root);
    for (const types of named(root, 'types')) for (const schema of types.children) await add(schema, url);
    for (const part of named(root, 'import')) await readPart(attributeOf(part, 'location') ?? '', url);
  }

  /** A part that cannot be had leaves a gap, and gaps are not compared: some schemas are named but served nowhere. */
  const readPart = (location: string, base: URL) =>
    read(location, base).catch((error: unknown) => {
      if (!(error instanceof AdapterError) || error.kind !== 'misconfigured') throw error;
    });

  await read(config.wsdl, own);
  return { operations: operationsOf(definitions), schemas };
}

async function parse(text: string, url: URL): Promise<Element> {
  try {
    return await parseXml(text);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    throw new AdapterError(
      'misconfigured',
      'none',
      `${url.pathname}${url.search} answers no WSDL (${error.message}): set wsdl, or say none`,
    );
  }
}

const named = (element: Element | undefined, name: string): readonly Element[] =>
  element?.children.filter((child) => child.name === name && child.namespace === wsdlNamespace) ?? [];

function operationsOf(definitions: readonly Element[]): readonly WsdlOperation[] {
  const all = (name: string) => definitions.flatMap((root) => named(root, name));
  const byName = (name: string, wanted: string | undefined) => all(name).find((one) => attributeOf(one, 'name') === wanted);
  const local = (element: Element, attribute: string) => qualified(element, attributeOf(element, attribute) ?? '').name;

  const elementOf = (port: Element | undefined, direction: 'input' | 'output'): Named | null => {
    const message = named(port, direction)[0];
    // A message may have no parts at all; further parts may be headers.
    const part =
      message && named(byName('message', local(message, 'message')), 'part').find((one) => attributeOf(one, 'element') !== undefined);
    return part ? qualified(part, attributeOf(part, 'element') ?? '') : null;
  };

  return all('binding').flatMap((binding) => {
    const soap = binding.children.find(({ name, namespace }) => name === 'binding' && Object.hasOwn(bindings, namespace));
    if (!soap) return [];
    const portType = byName('portType', local(binding, 'type'));
    return named(binding, 'operation').map((operation): WsdlOperation => {
      const name = attributeOf(operation, 'name') ?? '';
      const own = childOf(operation, 'operation', soap.namespace);
      const port = named(portType, 'operation').find((one) => attributeOf(one, 'name') === name);
      const encoded = named(operation, 'input').some((input) =>
        input.children.some((body) => body.name === 'body' && attributeOf(body, 'use') === 'encoded'),
      );
      const style = (own && attributeOf(own, 'style')) ?? attributeOf(soap, 'style') ?? 'document';
      return {
        name,
        version: bindings[soap.namespace] ?? '1.1',
        action: (own && attributeOf(own, 'soapAction')) ?? '',
        style: encoded ? 'encoded' : style === 'rpc' ? 'rpc' : 'document',
        input: elementOf(port, 'input'),
        output: elementOf(port, 'output'),
      };
    });
  });
}
