import { RE2JS } from 're2js';
import { AdapterError, legalXml, readText, retryAfterMs, type Call, type Host, type Json } from '#contract';
import type { Operation, SoapConfig } from './config.ts';
import { openEnvelope, toEnvelope, type Fault } from './envelope.ts';
import { at, scalar, toRequest } from './mapping.ts';
import { toFieldProblems } from './problems.ts';
import { parseXml, toJson, XmlError, type Element } from './xml.ts';

/** Characters of a fault that are looked at for the words of `faults`. */
const mostSaid = 10_000;

/** Asks one operation; null where the service says that there is no such case. */
export type Ask = (operation: Operation, source: Json, call: Call, writes?: boolean) => Promise<Json>;

/*
 * What an answer means. A fault counts before its HTTP status: services send 200, 400 and 500 with all of them.
 *
 *   the operation's answer       taken
 *   Client, Sender               refused, nothing happened; with the fields to correct, where its detail lists them
 *   a fault of WS-Security, or   the credentials are wrong: misconfigured, nothing happened. Many services file that under Server,
 *   one of faults.authentication so the city's file can say by which words it is known
 *   faults.busy                  asks for a pause, nothing happened
 *   VersionMismatch,             the configuration is wrong, nothing happened
 *   MustUnderstand
 *   Server, Receiver, any other  it may have landed: effect unknown for a write
 *   no envelope                  by status, as for any HTTP interface; a page with 200 is a login page or a proxy
 */
export function createAsk(config: SoapConfig, host: Host): Ask {
  const { version, auth, result } = config;
  const { authentication, busy, refused, notFound } = config.faults;
  /** In linear time: the words are the service's, and may be as long as its answer. */
  const says = (pattern: string | undefined, { said }: Fault) =>
    pattern !== undefined &&
    RE2JS.compile(RE2JS.translateRegExp(new RegExp(pattern, 'i')))
      .matcher(said.slice(0, mostSaid))
      .find();

  return async (operation, source, call, writes = false) => {
    const unsure = writes ? 'unknown' : 'none';
    const { action } = operation;
    const response = await host.fetch(config.url, {
      method: 'POST',
      signal: call.signal,
      headers: {
        accept: 'text/xml, application/soap+xml',
        'content-type':
          version === '1.1'
            ? 'text/xml; charset=utf-8'
            : `application/soap+xml; charset=utf-8${action === '' ? '' : `; action="${action}"`}`,
        ...(version === '1.1' ? { soapaction: `"${action}"` } : {}),
        ...basic(auth),
      },
      body: toEnvelope(toRequest(operation, config, source), config, host.now()),
    });
    const root = await readXml(response, unsure, !writes);
    if (root === null) throw byStatus(response, unsure, host.now());
    const opened = openEnvelope(root, version);
    if ('fault' in opened) {
      if (says(notFound, opened.fault)) return null;
      throw byFault(opened.fault, unsure);
    }
    if ('wrong' in opened) {
      if (!response.ok) throw byStatus(response, unsure, host.now());
      if (opened.wrong === 'other-version')
        throw new AdapterError('misconfigured', unsure, `it answers in another SOAP version than ${version}: set version`);
      if (opened.wrong === 'no-body') throw new AdapterError('malformed', unsure, 'the envelope has no body');
      throw new AdapterError('misconfigured', unsure, 'it answers XML that is no SOAP envelope: is url the service itself?');
    }
    if (!response.ok) throw byStatus(response, unsure, host.now());
    return accepted(answerOf(opened.body, operation, unsure));
  };

  function answerOf(body: Element | undefined, { answer }: Operation, unsure: 'none' | 'unknown'): Json {
    if (!body) throw new AdapterError('malformed', unsure, 'the answer has an empty body');
    if (body.namespace !== config.namespace || (answer !== undefined && body.name !== answer))
      throw new AdapterError(
        'malformed',
        unsure,
        `it answers another element than ${answer ?? 'one'} of ${config.namespace}: compare namespace and answer with the WSDL (check)`,
      );
    return toJson(body);
  }

  /** What a service says about success inside an ordinary answer. */
  function accepted(body: Json): Json {
    if (!result) return body;
    const code = scalar(at(body, result.at));
    if (code === null || result.ok.includes(code)) return body;
    if (result.notFound.includes(code)) return null;
    const shown = /^[\w.-]{1,40}$/.test(code) ? ` (${code})` : '';
    throw new AdapterError('rejected', 'none', `the service refused${shown}`);
  }

  function byFault(fault: Fault, unsure: 'none' | 'unknown'): AdapterError {
    if (fault.security || says(authentication, fault))
      return new AdapterError('misconfigured', 'none', 'the service does not accept the credentials');
    if (says(busy, fault)) return new AdapterError('retryable', 'none', 'the service asks for a pause');
    if (fault.code === 'VersionMismatch')
      return new AdapterError('misconfigured', 'none', `the service does not speak SOAP ${version}: set version`);
    if (fault.code === 'MustUnderstand')
      return new AdapterError('misconfigured', 'none', 'the service does not understand WS-Security: set auth to basic or none');
    if (fault.code !== 'Sender' && !says(refused, fault))
      return new AdapterError('unavailable', unsure, `the service failed (fault ${fault.code})`);
    const fields = toFieldProblems(fault.detail, config);
    return new AdapterError('rejected', 'none', 'the service refused', Object.keys(fields).length > 0 ? { fields } : {});
  }
}

/** Authorization where the service takes HTTP Basic. */
export const basic = (auth: SoapConfig['auth']): Record<string, string> =>
  typeof auth === 'object' && auth.scheme === 'basic'
    ? { authorization: `Basic ${Buffer.from(`${auth.user}:${auth.secret}`).toString('base64')}` }
    : {};

/** The answer's root, or null where it is no XML. */
async function readXml(response: Response, unsure: 'none' | 'unknown', lenient: boolean): Promise<Element | null> {
  const text = await readText(response, unsure, { lenient });
  if (text.trim() === '' || !/\bxml\b/i.test(response.headers.get('content-type') ?? '')) return null;
  try {
    // Cases that are read are set aside one by one.
    return await parseXml(lenient ? legalXml(text) : text);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    if (!response.ok) return null;
    throw new AdapterError('malformed', unsure, `the answer cannot be read: ${error.message}`);
  }
}

/** What the HTTP status alone says. */
export function byStatus(response: Response, unsure: 'none' | 'unknown', now: Date): AdapterError {
  const { status } = response;
  const asked = retryAfterMs(response, now);
  const pause = asked === undefined ? {} : { retryAfterMs: asked };
  if (status === 429 || status === 408 || status === 425 || (status === 503 && asked !== undefined))
    return new AdapterError('retryable', 'none', `the service asks for a pause (${status})`, pause);
  if (status >= 500) return new AdapterError('unavailable', unsure, `the service failed with ${status}`);
  if (status === 401 || status === 403)
    return new AdapterError('misconfigured', 'none', `the credentials or rights are not accepted (${status})`);
  if (status >= 300 && status < 400)
    return new AdapterError('misconfigured', 'none', `the service redirects (${status}): is url complete?`);
  if (status === 404 || status === 405 || status === 410)
    return new AdapterError('misconfigured', 'none', `there is no SOAP service under url (${status})`);
  if (status === 415) return new AdapterError('misconfigured', 'none', 'the service does not take this content type (415): set version');
  if (status >= 400) return new AdapterError('rejected', 'none', `the service refused (${status})`);
  return new AdapterError('misconfigured', unsure, 'it answers a page instead of an envelope: a login page or proxy in front?');
}
