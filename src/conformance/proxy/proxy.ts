import type { Exchange, Fault, FaultName } from '../faults.ts';
import { startHttpProxy } from './http.ts';
import { startTcpProxy } from './tcp.ts';

/** Stands in front of one endpoint of a back office and lets things go wrong. */
export interface Proxy {
  /** The endpoint's URL with host and port of the proxy; its scheme too, where the proxy ends TLS. */
  readonly url: string;
  /** The address it listens on, `host:port`. */
  readonly address: string;
  /** Follows the fault that its turns were set to: opens or shuts its port. */
  follow(): Promise<void>;
  close(): Promise<void>;
}

export interface ProxyOptions {
  /** The adapter is to meet an expired certificate. */
  readonly tlsExpired?: boolean;
}

export const isHttp = (url: string): boolean => /^https?:$/.test(new URL(url).protocol);

/** Ports of schemes whose URLs may leave them out. */
const usualPorts: Readonly<Record<string, number>> = {
  'http:': 80,
  'https:': 443,
  'postgres:': 5432,
  'postgresql:': 5432,
  'mysql:': 3306,
  'mariadb:': 3306,
  'sftp:': 22,
  'ssh:': 22,
  'amqp:': 5672,
  'ldap:': 389,
};

/** Host and port that a URL leads to. @throws TypeError if it names no host */
export function addressOf(url: string): { readonly host: string; readonly port: number } {
  const { hostname, port, protocol } = new URL(url);
  const found = port === '' ? usualPorts[protocol] : Number(port);
  if (hostname === '' || found === undefined) throw new TypeError(`an endpoint needs host and port: ${protocol}//… has none`);
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: found };
}

/** Starts a proxy on a free loopback port. All proxies of an adapter count in the same turns. */
export const startProxy = (endpoint: string, turns: Turns, options: ProxyOptions = {}): Promise<Proxy> =>
  isHttp(endpoint) ? startHttpProxy(endpoint, turns, options) : startTcpProxy(endpoint, turns);

/** Counts exchanges and says which fault hits the next one. */
export class Turns {
  #fault: Fault | null = null;
  #counted = 0;
  #seen: Exchange[] = [];

  set(fault: Fault | null): void {
    this.#fault = fault;
    this.#counted = 0;
    this.#seen = [];
  }

  get fault(): Fault | null {
    return this.#fault;
  }

  exchanges(): readonly Exchange[] {
    return this.#seen;
  }

  /** The next exchange; `fault` is what hits it. */
  next(endpoint: string, method: string | null, path: string | null): Exchange {
    const exchange: Exchange = { endpoint, method, path, status: null, reached: false, fault: this.#hits(method) };
    this.#seen.push(exchange);
    return exchange;
  }

  #hits(method: string | null): FaultName | null {
    const fault = this.#fault;
    if (!fault || (fault.writesOnly && (method === 'GET' || method === 'HEAD'))) return null;
    this.#counted++;
    const from = fault.from ?? 1;
    return this.#counted >= from && this.#counted < from + (fault.times ?? Infinity) ? fault.name : null;
  }
}

/** Whether a fault turns connections away before anything is said on them. */
export const turnsAway = (fault: Fault | null): boolean =>
  fault?.name === 'refused' && (fault.from ?? 1) === 1 && fault.times === undefined && !fault.writesOnly;
