import { createHash, randomBytes } from 'node:crypto';
import type { SoapConfig } from './config.ts';
import { childOf, qualified, writeXml, type Draft, type Element } from './xml.ts';

/** Namespaces of the two SOAP versions, by version. */
export const soapNamespaces = {
  '1.1': 'http://schemas.xmlsoap.org/soap/envelope/',
  '1.2': 'http://www.w3.org/2003/05/soap-envelope',
} as const;

const oasis = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss';
/** WS-Security 1.0 and its utility elements (OASIS, 2004). */
export const wsse = `${oasis}-wssecurity-secext-1.0.xsd`;
export const wsu = `${oasis}-wssecurity-utility-1.0.xsd`;
const passwordType = `${oasis}-username-token-profile-1.0#Password`;

/** Digest of a UsernameToken: base64 of SHA-1 over nonce, moment and password (UsernameToken Profile 1.0, section 3.1). */
export const passwordDigest = (nonce: Uint8Array, created: string, password: string): string =>
  createHash('sha1').update(nonce).update(created).update(password).digest('base64');

/** The envelope around an operation's element, with its UsernameToken where the service asks for one. */
export function toEnvelope(body: Draft, { version, auth }: SoapConfig, now: Date): string {
  const namespace = soapNamespaces[version];
  const header = typeof auth === 'object' && auth.scheme === 'usernameToken' ? [security(auth, now)] : [];
  // mustUnderstand is qualified and so needs a prefix; everything else is written without.
  const open = `<s:Envelope xmlns:s="${namespace}">`;
  const head = header.map((draft) => `<s:Header>${writeXml(draft).replace('>', ' s:mustUnderstand="1">')}</s:Header>`).join('');
  return `<?xml version="1.0" encoding="UTF-8"?>${open}${head}<s:Body>${writeXml(body)}</s:Body></s:Envelope>`;
}

function security({ user, secret, password }: Extract<SoapConfig['auth'], { scheme: 'usernameToken' }>, now: Date): Draft {
  const nonce = randomBytes(16);
  const created = now.toISOString();
  const digest = password === 'digest';
  const child = (name: string, text: string, attributes: Record<string, string> = {}, namespace = wsse): Draft => ({
    name,
    namespace,
    text,
    attributes,
  });
  const token = [
    child('Username', user),
    child('Password', digest ? passwordDigest(nonce, created, secret) : secret, { Type: `${passwordType}${digest ? 'Digest' : 'Text'}` }),
    child('Nonce', nonce.toString('base64'), { EncodingType: `${oasis}-soap-message-security-1.0#Base64Binary` }),
    child('Created', created, {}, wsu),
  ];
  return { name: 'Security', namespace: wsse, children: [{ name: 'UsernameToken', namespace: wsse, children: token }] };
}

/** A fault, whatever the SOAP version: the code is the last word of its name, for example `Client` or `Receiver`. */
export interface Fault {
  /** `Client` and `Server` of SOAP 1.1 are `Sender` and `Receiver` here. */
  readonly code: 'Sender' | 'Receiver' | 'VersionMismatch' | 'MustUnderstand' | 'other';
  /** Code, subcode and text, for a city's regular expressions. May hold personal data: never shown. */
  readonly said: string;
  /** The fault concerns WS-Security: a subcode of its namespace or one of its standard names. */
  readonly security: boolean;
  readonly detail: Element | undefined;
}

/** What an envelope holds, or why it is none. */
export type Opened =
  | { readonly body: Element | undefined }
  | { readonly fault: Fault }
  | { readonly wrong: 'not-soap' | 'other-version' | 'no-body' };

const securityFault =
  /^(UnsupportedSecurityToken|UnsupportedAlgorithm|InvalidSecurity|InvalidSecurityToken|FailedAuthentication|FailedCheck|SecurityTokenUnavailable|MessageExpired)$/;

/** Opens the envelope of an answer. */
export function openEnvelope(root: Element, version: SoapConfig['version']): Opened {
  if (root.name !== 'Envelope' || !(Object.values(soapNamespaces) as string[]).includes(root.namespace)) return { wrong: 'not-soap' };
  const body = childOf(root, 'Body', root.namespace);
  if (!body) return { wrong: 'no-body' };
  const fault = childOf(body, 'Fault', root.namespace);
  // A service that does not speak the version says so in the one it speaks.
  if (fault) return { fault: toFault(fault, root.namespace === soapNamespaces['1.2']) };
  if (root.namespace !== soapNamespaces[version]) return { wrong: 'other-version' };
  return { body: body.children[0] };
}

function toFault(fault: Element, newer: boolean): Fault {
  const code = newer ? childOf(fault, 'Code') : undefined;
  const main = newer ? childOf(code, 'Value') : childOf(fault, 'faultcode');
  const subcode = childOf(childOf(code, 'Subcode'), 'Value');
  const text = newer ? childOf(childOf(fault, 'Reason'), 'Text') : childOf(fault, 'faultstring');
  const names = [main, subcode].flatMap((element) => (element ? [qualified(element, element.text)] : []));
  return {
    code: classOf(names[0]?.name ?? ''),
    said: [...names.map(({ name }) => name), text?.text.trim() ?? ''].join(' ').slice(0, 500),
    security: names.some(({ name, namespace }) => namespace === wsse || securityFault.test(name)),
    detail: childOf(fault, newer ? 'Detail' : 'detail'),
  };
}

/** SOAP 1.1 lets services refine a code after a dot: `Client.Authentication`. */
function classOf(name: string): Fault['code'] {
  const [first = ''] = name.split('.');
  if (first === 'Client' || first === 'Sender') return 'Sender';
  if (first === 'Server' || first === 'Receiver') return 'Receiver';
  return first === 'VersionMismatch' || first === 'MustUnderstand' ? first : 'other';
}
