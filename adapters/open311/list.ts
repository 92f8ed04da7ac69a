import { AdapterError, type Call, type Json } from '#contract';
import type { Ask } from './http.ts';
import { recordsOf } from './records.ts';

/** The requests that fit a query. */
export type List = (query: Readonly<Record<string, string>>, call: Call) => Promise<readonly Json[]>;

/** Far more than the thousand that the standard lets one answer hold, and than fit into the longest that is read if each says what it must. */
const mostInOne = 50_000;

/*
 * Some servers answer 404 for a list with nothing in it. Others do so for a jurisdiction or an address that is not theirs, and there the
 * list has not been asked: taken as "no such request", the next attempt would make another one. The service list tells them apart: whoever
 * has one knows the address and the jurisdiction. It is asked for once.
 */
export function createList(ask: Ask): List {
  let known = false;
  return async (query, call) => {
    const answer = await ask({ path: 'requests', query, lenient: true }, call);
    if (answer !== null) {
      const records = recordsOf(answer);
      if (records.length > mostInOne) throw new AdapterError('malformed', 'none', `the list holds more than ${mostInOne} requests`);
      return records;
    }
    known ||= await hasServices(ask, call);
    if (known) return [];
    throw new AdapterError('misconfigured', 'none', 'there is no list of requests: are baseUrl, with its version, and jurisdiction right?');
  };
}

async function hasServices(ask: Ask, call: Call): Promise<boolean> {
  const services = await ask({ path: 'services' }, call);
  return services !== null && recordsOf(services).length > 0;
}
