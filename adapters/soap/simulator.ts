import { soapNamespaces, passwordDigest, wsse, wsu } from './envelope.ts';
import { attributeOf, childOf, parseXml, toJson, writeXml, type Draft, type Element } from './xml.ts';
import { simulatedNamespace as ns, simulatedSchema, simulatedWsdl } from './simulated-wsdl.ts';
import type { SimulatedCase, SimulatedCases } from '../simulation/cases.ts';
import { runSimulator } from '../simulation/command.ts';
import {
  startSimulator,
  type SimulatedAnswer,
  type SimulatedRequest,
  type Simulator,
  type SimulatorOptions,
} from '../simulation/server.ts';

export interface SoapSimulatorOptions extends SimulatorOptions {
  /** @default '1.1' */
  readonly version?: '1.1' | '1.2';
  /** @default 'qualified' */
  readonly elements?: 'qualified' | 'unqualified';
  /** How it wants to be asked. @default 'digest' */
  readonly auth?: 'digest' | 'text' | 'basic';
  /** @default 'soap-simulator-secret' */
  readonly secret?: string;
}

export const soapSimulated = { user: 'hub', secret: 'soap-simulator-secret' } as const;

/** In the order of ordinary handling. */
const statuses = ['eingegangen', 'in Bearbeitung', 'bewilligt'];
const WITHDRAWN = 'zurückgezogen';

type Settings = Required<Pick<SoapSimulatorOptions, 'version' | 'elements' | 'auth' | 'secret'>>;

/** A fault as the service throws it. */
class Refusal extends Error {
  readonly code: 'Client' | 'Server';
  readonly detail: Draft | undefined;
  constructor(code: 'Client' | 'Server', text: string, detail?: Draft) {
    super(text);
    this.code = code;
    this.detail = detail;
  }
}

/*
 * A case service with its WSDL under ?wsdl (its schema apart, under ?xsd=1, as many servers cut it). It has the habits of real
 * ones: SOAPAction and namespace must be right (as Sympa insists), wrong credentials are a fault of `Server` with HTTP 500,
 * elements it does not know are refused, and two creates with one reference are two cases.
 */
export async function startSoapSimulator(options: SoapSimulatorOptions = {}): Promise<Simulator> {
  const { version = '1.1', elements = 'qualified', auth = 'digest', secret = soapSimulated.secret } = options;
  const settings: Settings = { version, elements, auth, secret };
  const nonces = new Set<string>();
  return startSimulator({ path: statuses, answer: (request, cases) => answer(request, cases, settings, nonces) }, options);
}

async function answer(request: SimulatedRequest, cases: SimulatedCases, settings: Settings, nonces: Set<string>): Promise<SimulatedAnswer> {
  const { method, url, text } = request;
  const xml = (status: number, content: string): SimulatedAnswer => ({
    status,
    text: content,
    headers: { 'content-type': mediaType(settings) },
  });
  if (method === 'GET') {
    if (url.searchParams.has('wsdl')) return { status: 200, text: simulatedWsdl(settings), headers: { 'content-type': 'text/xml' } };
    if (url.searchParams.get('xsd') === '1')
      return { status: 200, text: simulatedSchema(settings), headers: { 'content-type': 'text/xml' } };
    return { status: 405, body: { error: 'POST' } };
  }
  if (!(request.headers.get('content-type') ?? '').startsWith(mediaType(settings).split(';')[0] ?? '')) return { status: 415 };
  try {
    return xml(200, envelope(perform(await parseXml(text), request, cases, settings, nonces), settings));
  } catch (error) {
    if (error instanceof Refusal)
      return xml(settings.version === '1.2' && error.code === 'Client' ? 400 : 500, envelope(faultOf(error, settings), settings));
    return xml(500, envelope(faultOf(new Refusal('Client', 'unreadable envelope'), settings), settings));
  }
}

const mediaType = ({ version }: Settings) => (version === '1.1' ? 'text/xml; charset=utf-8' : 'application/soap+xml; charset=utf-8');

const envelope = (body: Draft, { version }: Settings): string =>
  `<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="${soapNamespaces[version]}"><e:Body>${writeXml(body)}</e:Body></e:Envelope>`;

function faultOf({ code, message, detail }: Refusal, { version }: Settings): Draft {
  const namespace = soapNamespaces[version];
  const details = detail ? [detail] : [];
  if (version === '1.1')
    return {
      name: 'Fault',
      namespace,
      children: [
        { name: 'faultcode', namespace: '', text: `e:${code}` },
        { name: 'faultstring', namespace: '', text: message },
        { name: 'detail', namespace: '', children: details },
      ],
    };
  const child = (name: string, children: readonly Draft[]): Draft => ({ name, namespace, children });
  return child('Fault', [
    child('Code', [{ name: 'Value', namespace, text: code === 'Client' ? 'e:Sender' : 'e:Receiver' }]),
    child('Reason', [{ name: 'Text', namespace, text: message }]),
    child('Detail', details),
  ]);
}

function perform(root: Element, request: SimulatedRequest, cases: SimulatedCases, settings: Settings, nonces: Set<string>): Draft {
  const namespace = soapNamespaces[settings.version];
  if (root.name !== 'Envelope' || root.namespace !== namespace) throw new Refusal('Client', 'not an envelope of this version');
  if (!knows(root, request, settings, nonces)) throw new Refusal('Server', 'Anmeldung fehlgeschlagen');
  const operation = childOf(root, 'Body', namespace)?.children[0];
  if (!operation || operation.namespace !== ns) throw new Refusal('Client', 'unknown namespace');
  const action =
    settings.version === '1.1'
      ? request.headers.get('soapaction')
      : `"${/action="([^"]*)"/.exec(request.headers.get('content-type') ?? '')?.[1] ?? ''}"`;
  if (action !== `"${ns}/${operation.name}"`) throw new Refusal('Client', 'SOAPAction does not fit the operation');
  const inner = settings.elements === 'qualified' ? ns : '';
  const wrong = operation.children.find((one) => one.namespace !== inner);
  if (wrong) throw new Refusal('Client', `unexpected element ${wrong.name}`);
  return operate(operation, cases, inner);
}

function knows(root: Element, { headers }: SimulatedRequest, { auth, secret, version }: Settings, nonces: Set<string>): boolean {
  if (auth === 'basic')
    return headers.get('authorization') === `Basic ${Buffer.from(`${soapSimulated.user}:${secret}`).toString('base64')}`;
  const security = childOf(childOf(root, 'Header', soapNamespaces[version]), 'Security', wsse);
  const token = childOf(security, 'UsernameToken', wsse);
  const part = (name: string, namespace = wsse) => childOf(token, name, namespace);
  const password = part('Password');
  if (part('Username')?.text !== soapSimulated.user || !password) return false;
  if (auth === 'text') return attributeOf(password, 'Type')?.endsWith('#PasswordText') === true && password.text === secret;
  const nonce = part('Nonce')?.text ?? '';
  // A token that was seen before is a replay.
  if (nonces.has(nonce)) return false;
  nonces.add(nonce);
  return password.text === passwordDigest(Buffer.from(nonce, 'base64'), part('Created', wsu)?.text ?? '', secret);
}

function operate(operation: Element, cases: SimulatedCases, namespace: string): Draft {
  const reply = (found: readonly SimulatedCase[]): Draft => ({
    name: `${operation.name}Antwort`,
    namespace: ns,
    children: found.map((one) => toDraft(one, namespace)),
  });
  const value = (name: string) => childOf(operation, name)?.text ?? '';
  const byId = (id: string) => cases.find(Number(id));
  switch (operation.name) {
    case 'vorgangAnlegen':
      return reply([create(operation, cases)]);
    case 'vorgaengeLesen':
      return reply(operation.children.flatMap(({ text }) => byId(text) ?? []));
    case 'vorgangSuchen':
      return reply(cases.list().filter(({ key }) => key === value('referenz')));
    case 'aenderungenLesen': {
      const since = Date.parse(value('seit'));
      const found = cases
        .list()
        .filter(({ updatedAt }) => updatedAt.getTime() >= since)
        .toSorted((a, b) => a.updatedAt.getTime() - b.updatedAt.getTime() || a.id - b.id);
      const from = Number(value('ab') || 0);
      return reply(found.slice(from, from + Number(value('hoechstens') || 20)));
    }
    case 'vorgangZuruecknehmen': {
      const before = byId(value('vorgangsnummer'));
      if (!before) throw new Refusal('Client', 'VorgangUnbekannt');
      // Withdrawing twice is withdrawing.
      return reply([before.status === WITHDRAWN ? before : (cases.setStatus(before.id, WITHDRAWN) ?? before)]);
    }
    default:
      throw new Refusal('Client', 'unknown operation');
  }
}

function create(operation: Element, cases: SimulatedCases): SimulatedCase {
  const known = ['referenz', 'leistung', 'bezeichnung', 'antragsteller', 'angaben', 'anlage'];
  const unknown = operation.children.find(({ name }) => !known.includes(name));
  if (unknown) throw new Refusal('Client', `unexpected element ${unknown.name}`);
  const name = childOf(childOf(operation, 'antragsteller'), 'name')?.text.trim() ?? '';
  if (name === '') throw new Refusal('Client', 'Angaben unvollständig', problem('antragsteller/name', 'Bitte geben Sie einen Namen an.'));
  const long = childOf(operation, 'angaben')?.children.find((one) => (childOf(one, 'wert')?.text.length ?? 0) > 20_000);
  if (long) throw new Refusal('Client', 'Angaben zu lang', problem('angaben', 'Höchstens 20000 Zeichen.'));
  return cases.create(childOf(operation, 'referenz')?.text ?? null, statuses[0] ?? '', toJson(operation));
}

const problem = (field: string, text: string): Draft => ({
  name: 'fehler',
  namespace: ns,
  children: [
    { name: 'feld', namespace: ns, text: field },
    { name: 'hinweis', namespace: ns, text },
  ],
});

function toDraft({ id, key, status, updatedAt }: SimulatedCase, namespace: string): Draft {
  const child = (name: string, text: string): Draft => ({ name, namespace, text });
  return {
    name: 'vorgang',
    namespace,
    children: [
      child('vorgangsnummer', String(id)),
      child('aktenzeichen', `AZ ${id}/2026`),
      child('referenz', key ?? ''),
      child('status', status),
      child('geaendertAm', updatedAt.toISOString()),
    ],
  };
}

if (import.meta.main) {
  await runSimulator(['version', 'elements', 'auth', 'secret'], (options, { version, elements, auth, secret }) => {
    const choice = <T extends string>(name: string, value: string | undefined, known: readonly [T, ...T[]]): T => {
      const found = value === undefined ? known[0] : known.find((one) => one === value);
      if (found === undefined) throw new Error(`--${name} is one of ${known.join(', ')}, not ${value}`);
      return found;
    };
    return startSoapSimulator({
      ...options,
      version: choice('version', version, ['1.1', '1.2']),
      elements: choice('elements', elements, ['qualified', 'unqualified']),
      auth: choice('auth', auth, ['digest', 'text', 'basic']),
      ...(secret === undefined ? {} : { secret }),
    });
  });
}
