import { AdapterError, contractVersion, type Adapter, type Host, type Json } from '#contract';
import type { ConnectedAdapter } from '../cities.ts';
import { say, type Complaint } from './complaint.ts';
import type { Source } from './source.ts';

const names = ['catalogue', 'cases', 'changes', 'webhook', 'events', 'rows'] as const satisfies readonly (keyof Adapter)[];

/** What an adapter can do with its config, or why it cannot be made of it. */
export type Ports = { readonly has: ReadonlySet<(typeof names)[number]> } | { readonly problem: string };

/**
 * The ports of an adapter, which is made for this look alone: making one is pure, as the contract has it, and what is not
 * started sends nothing.
 */
export function portsOf(
  { definition, config, contract = contractVersion }: ConnectedAdapter,
  { city, ars }: { readonly city: string; readonly ars: string },
): Ports {
  const host: Host = {
    city,
    ars,
    contract,
    now: () => new Date(),
    fetch: () => Promise.reject(new AdapterError('unsupported', 'none', 'nothing is sent while files are read')),
    log: () => {},
  };
  try {
    const adapter = definition.create(config, host);
    return { has: new Set(names.filter((name) => adapter[name] !== undefined)) };
  } catch (error) {
    // Only an AdapterError's words are safe: another message may quote a secret.
    return { problem: error instanceof AdapterError ? error.message : error instanceof Error ? error.name : 'unknown' };
  }
}

/** What an adapter's entry says about applications against what the adapter can do. */
export function complaintsOfPorts(
  source: Source,
  name: string,
  entry: { readonly product: string; readonly services?: readonly string[]; readonly statusMap?: { readonly [status: string]: Json } },
  ports: Ports,
): readonly Complaint[] {
  const at = ['adapters', name] as const;
  const { product, services, statusMap } = entry;
  if ('problem' in ports) return [source.complain([...at, 'config'], say.notMade(product, ports.problem))];
  if (!ports.has.has('cases'))
    return [
      ...(services?.length ? [source.complain([...at, 'services'], say.takesNoApplications(product, 'services'), 'key')] : []),
      ...(Object.keys(statusMap ?? {}).length > 0
        ? [source.complain([...at, 'statusMap'], say.takesNoApplications(product, 'statusMap'), 'key')]
        : []),
    ];
  if (!services)
    return [
      source.complain(
        [...at, 'services'],
        say.missing('services', {
          de: 'die Schlüssel der Leistungen, deren Anträge er annimmt, ["*"] für alle, [] für keine',
          en: 'the keys of the services whose applications it takes, ["*"] for all, [] for none',
        }),
      ),
    ];
  if (services.length > 0 && !statusMap)
    return [
      source.complain(
        [...at, 'statusMap'],
        say.missing('statusMap', {
          de: 'die Statuswörter des Verfahrens und was sie bedeuten, zum Beispiel { New: received }',
          en: 'the back office’s words for a status and what they mean, for example { New: received }',
        }),
      ),
    ];
  return [];
}
