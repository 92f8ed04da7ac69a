import { connect, createServer, type Socket } from 'node:net';
import type { Exchange } from '../faults.ts';
import { listen } from './listener.ts';
import { addressOf, turnsAway, type Proxy, type Turns } from './proxy.ts';

const DRIP_MS = 100;

/**
 * In front of an endpoint of any protocol over TCP. What the adapter sends after the back office spoke begins an exchange;
 * where the back office speaks first, its greeting belongs to none.
 */
export async function startTcpProxy(endpoint: string, turns: Turns): Promise<Proxy> {
  const { host, port } = addressOf(endpoint);
  const drips = new Set<NodeJS.Timeout>();

  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host, port, noDelay: true });
    let exchange: Exchange | null = null;
    let answered = true;
    const end = () => (client.destroy(), upstream.destroy());
    client.on('error', end).on('close', end);
    upstream.on('error', end).on('close', () => client.end());

    client.on('data', (chunk: Buffer) => {
      if (answered) exchange = turns.next(endpoint, null, null);
      answered = false;
      const fault = exchange?.fault;
      if (fault === 'timeout') return;
      if (fault === 'reset' || fault === 'refused') {
        upstream.destroy();
        return void client.resetAndDestroy();
      }
      if (exchange) exchange.reached = true;
      upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => {
      answered = true;
      const fault = exchange?.fault;
      if (fault === 'timeout') return;
      if (fault === 'lost-reply') {
        upstream.destroy();
        return void client.resetAndDestroy();
      }
      if (fault === 'cut-body') {
        client.end(chunk.subarray(0, Math.floor(chunk.length / 2)));
        return void upstream.destroy();
      }
      if (fault === 'slow-drip') return drip(client, chunk);
      client.write(chunk);
    });
  });

  /** One byte at a time; what comes later waits behind. */
  const waiting = new WeakMap<Socket, Buffer[]>();
  function drip(client: Socket, chunk: Buffer): void {
    const queue = waiting.get(client);
    if (queue) return void queue.push(chunk);
    const bytes = [chunk];
    waiting.set(client, bytes);
    let at = 0;
    const timer = setInterval(() => {
      const [first] = bytes;
      if (client.destroyed) {
        clearInterval(timer);
        drips.delete(timer);
      } else if (first) {
        client.write(first.subarray(at, at + 1));
        if (++at >= first.length) {
          bytes.shift();
          at = 0;
        }
      }
    }, DRIP_MS).unref();
    drips.add(timer);
  }

  const listener = await listen(server);
  const url = new URL(endpoint);
  url.hostname = '127.0.0.1';
  url.port = String(listener.port);
  return {
    // A scheme that URL does not know keeps its host: written by hand then.
    url:
      url.port === String(listener.port)
        ? url.href
        : endpoint.replace(/^([a-z][a-z0-9+.-]*:\/\/(?:[^@/]*@)?)[^/?#]*/i, `$1127.0.0.1:${listener.port}`),
    address: `127.0.0.1:${listener.port}`,
    follow: () => (turnsAway(turns.fault) ? listener.shut() : listener.open()),
    async close() {
      drips.forEach((timer) => clearInterval(timer));
      await listener.shut();
    },
  };
}
