import { setTimeout as sleep } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { HubError, type Adapter, type Call, type Host, type Json, type WriteCall } from '#contract';
import { commonContract } from '../cities/load/definition.ts';
import { currentCall } from '../cities/current-call.ts';
import { createHost } from '../cities/host.ts';
import { createRedact } from '../cities/redaction.ts';
import { createLog } from '../infra/log.ts';
import { createMemo, NoEnd, type Memo, type Opened, type OpenOptions, type ReadOptions, type WriteOptions } from './check.ts';
import { isHttp, startProxy, Turns, type Proxy } from './proxy/proxy.ts';
import { markedTexts, validate, withValue, withWrongSecrets } from './settings.ts';
import type { Subject } from './subject.ts';
import { watch } from './watch.ts';

/** How long after its deadline a call is given up, in milliseconds. */
const PATIENCE_MS = 1_000;

/** An adapter at work and the end of everything around it. */
export interface OwnedOpened extends Opened {
  dispose(): Promise<void>;
}

/**
 * Makes and starts an adapter with the hub's own host, behind proxies of its own.
 * @throws HubError CONFIG_INVALID if the config is refused; what `create` or `start` threw
 */
export async function openAdapter(subject: Subject, now: () => Date, options: OpenOptions = {}): Promise<OwnedOpened> {
  const { definition, limits } = subject;
  const turns = new Turns();
  const proxies: Proxy[] = [];
  const closeProxies = () => Promise.all(proxies.map((proxy) => proxy.close()));
  let stopped = false;

  try {
    const led = await leadThroughProxies(subject, options, turns, proxies);
    const config = options.config ? options.config(led) : led;
    const validated = await validate(definition, config);
    if ('issues' in validated)
      throw new HubError('CONFIG_INVALID', {
        de: `der Adapter nimmt seine Konfiguration hinter einem Proxy nicht an: ${validated.issues.join('; ')}`,
        en: `the adapter does not take its config behind a proxy: ${validated.issues.join('; ')}`,
      });

    const contract = commonContract(definition.contract);
    const lines: string[] = [];
    const owned = createHost({
      city: subject.city,
      ars: subject.ars,
      adapter: definition.id,
      ...(contract === null ? {} : { contract }),
      endpoints: markedTexts(definition, config, 'endpoint').map(({ text }) => text),
      connections: limits.concurrency + 2,
      redact: createRedact(markedTexts(definition, config, 'secret').map(({ text }) => text)),
      log: createLog('silent'),
      now,
    });
    const host: Host = {
      ...owned.host,
      log(level, message, facts = {}) {
        lines.push(JSON.stringify({ level, message, ...facts }));
        owned.host.log(level, message, facts);
      },
    };
    const watched = watch();
    let adapter: Adapter;
    try {
      adapter = watched.run(() => definition.create(validated.config, host));
    } catch (error) {
      watched.end();
      await owned.close();
      throw error;
    }

    /** As the hub runs a call, except that nothing is retried, queued or translated. */
    async function run<T, C extends Call>(
      work: (adapter: Adapter, call: C) => Promise<T>,
      how: ReadOptions,
      more: Omit<C, keyof Call>,
    ): Promise<T> {
      const { deadlineMs = limits.timeoutMs, attempt = 1 } = how;
      const since = performance.now();
      const ends = new AbortController();
      const timer = setTimeout(() => ends.abort(new DOMException('the deadline passed', 'TimeoutError')), deadlineMs);
      const signal = how.signal ? AbortSignal.any([ends.signal, how.signal]) : ends.signal;
      const call = {
        signal,
        deadline: new Date(now().getTime() + deadlineMs),
        traceparent: `00-${hex(32)}-${hex(16)}-01`,
        attempt,
        ...more,
      } as unknown as C;
      const over = new AbortController();
      const noEnd = new Promise<never>((_, reject) => {
        const giveUp = () =>
          void sleep(PATIENCE_MS, undefined, { signal: over.signal }).then(
            () => reject(new NoEnd(performance.now() - since)),
            () => {},
          );
        if (signal.aborted) giveUp();
        else signal.addEventListener('abort', giveUp, { once: true, signal: over.signal });
      });
      const running = watched.run(() => currentCall.run(call, async () => work(adapter, call)));
      try {
        return await Promise.race([running, noEnd]);
      } finally {
        clearTimeout(timer);
        over.abort();
        running.catch(() => {});
      }
    }

    const opened: OwnedOpened = {
      adapter,
      read: <T>(work: (adapter: Adapter, call: Call) => Promise<T>, how: ReadOptions = {}) => run(work, how, {}),
      write: <T>(work: (adapter: Adapter, call: WriteCall) => Promise<T>, how: WriteOptions = {}) =>
        run(work, how, { key: how.key ?? randomUUID(), step: stepWith(how.memo ?? createMemo()) }),
      async fault(fault) {
        turns.set(fault);
        await Promise.all(proxies.map((proxy) => proxy.follow()));
        // Sockets that were broken off tell their owners in the next turns of the event loop.
        await sleep(5);
      },
      exchanges: () => turns.exchanges(),
      logged: () => [...lines],
      egress: () => ({ to: [...watched.connected], allowed: proxies.map(({ address }) => address) }),
      leftovers: () => watched.holds(),
      async stop() {
        stopped = true;
        try {
          await opened.read((own, call) => own.stop(call));
        } finally {
          await owned.close();
        }
      },
      async dispose() {
        if (!stopped) await opened.stop().catch(() => {});
        watched.end();
        await closeProxies();
      },
    };
    if (options.start !== false) {
      try {
        await opened.read((own, call) => own.start(call));
      } catch (error) {
        await opened.dispose();
        throw error;
      }
    }
    return opened;
  } catch (error) {
    await closeProxies();
    throw error;
  }
}

async function leadThroughProxies(
  { definition, config }: Subject,
  { wrongSecrets, tlsExpired }: OpenOptions,
  turns: Turns,
  proxies: Proxy[],
): Promise<Json> {
  let led = wrongSecrets ? withWrongSecrets(definition, config) : config;
  for (const { path, text } of markedTexts(definition, config, 'endpoint')) {
    const proxy = await startProxy(text, turns, { tlsExpired: tlsExpired === true && isHttp(text) });
    proxies.push(proxy);
    led = withValue(led, path, proxy.url);
  }
  return led;
}

/** The hub's memo, with a crash where a check wants one. */
const stepWith =
  (memo: Memo): WriteCall['step'] =>
  async <T extends Json>(name: string, run: () => Promise<T>): Promise<T> => {
    const known = memo.steps.get(name);
    if (known !== undefined) return known as T;
    const result = await run();
    // The hub keeps it as JSON: what does not survive that is lost.
    memo.steps.set(name, JSON.parse(JSON.stringify(result)) as Json);
    memo.onStep?.(name);
    return result;
  };

const hex = (digits: number): string => randomUUID().replaceAll('-', '').slice(0, digits).padEnd(digits, '0');
