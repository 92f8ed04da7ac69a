import { AsyncLocalStorage, createHook, type AsyncHook } from 'node:async_hooks';
import { Socket } from 'node:net';

/*
 * Sees what one adapter holds and whom it talks to, in a process in which the kit, its proxies and a test runner work as well:
 * whatever is made while the adapter's own code runs, or in consequence of it, carries its mark.
 */

/** What is told apart by the adapter it belongs to. */
export interface Watched {
  /** Runs something as the adapter's own doing. */
  run<T>(work: () => T): T;
  /** Addresses it connected to; a Unix socket by its path. */
  readonly connected: Set<string>;
  /** Timers, sockets, files and processes of its that would keep a process alive. */
  holds(): readonly string[];
  end(): void;
}

interface Held {
  readonly type: string;
  readonly resource: WeakRef<{ readonly hasRef?: () => boolean; readonly _destroyed?: boolean }>;
  readonly from: string;
}

interface Mark {
  readonly connected: Set<string>;
  readonly held: Map<number, Held>;
}

const current = new AsyncLocalStorage<Mark>();
const marks = new Set<Mark>();

/** What keeps a process alive or a port open; promises and ticks do not. */
const counted = new Set([
  'Timeout',
  'Immediate',
  'TCPWRAP',
  'TCPSERVERWRAP',
  'TLSWRAP',
  'PIPEWRAP',
  'PIPESERVERWRAP',
  'UDPWRAP',
  'FSEVENTWRAP',
  'STATWATCHER',
  'PROCESSWRAP',
  'WORKER',
  'FILEHANDLE',
]);

let hook: AsyncHook | null = null;
type Connect = typeof Socket.prototype.connect;
// oxlint-disable-next-line typescript/unbound-method -- called with the socket as `this` below
const originalConnect: Connect = Socket.prototype.connect;

function install(): void {
  hook = createHook({
    init(id, type, _, resource) {
      const mark = counted.has(type) ? current.getStore() : undefined;
      if (mark) mark.held.set(id, { type, resource: new WeakRef(resource), from: callSite() });
    },
    destroy(id) {
      for (const { held } of marks) held.delete(id);
    },
  }).enable();
  Socket.prototype.connect = function connect(this: Socket, ...args: never[]): Socket {
    current.getStore()?.connected.add(target(args));
    return Reflect.apply(originalConnect, this, args) as Socket;
  };
}

function uninstall(): void {
  hook?.disable();
  hook = null;
  Socket.prototype.connect = originalConnect;
}

/** The forms of `socket.connect`: a port and a host, a path, options, or node's own normalised list of them. */
function target(args: readonly unknown[]): string {
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  if (typeof first === 'string' && !/^\d+$/.test(first)) return first;
  if (typeof first === 'object' && first !== null) {
    const { path, host, port } = first as { path?: string; host?: string; port?: number | string };
    return path ?? `${host ?? 'localhost'}:${port ?? ''}`;
  }
  return `${typeof second === 'string' ? second : 'localhost'}:${String(first)}`;
}

/** The nearest place outside node and its packages, to say where a leftover was made. */
const callSite = (): string =>
  (new Error('here').stack ?? '')
    .split('\n')
    .slice(2)
    .find((line) => !/node:|node_modules|conformance\/watch/.test(line))
    ?.replace(/^.*?at /, '')
    .replace(/file:\/\/|\(|\)/g, '')
    .trim() ?? 'a library';

/** Begins to watch. Everything watched must end, or the process stays instrumented. */
export function watch(): Watched {
  const mark: Mark = { connected: new Set(), held: new Map() };
  if (marks.size === 0) install();
  marks.add(mark);
  return {
    run: (work) => current.run(mark, work),
    connected: mark.connected,
    holds: () =>
      [...mark.held.values()].flatMap(({ type, resource, from }) => {
        const alive = resource.deref();
        if (!alive || alive._destroyed === true || alive.hasRef?.() === false) return [];
        return [`${type} made in ${from}`];
      }),
    end() {
      marks.delete(mark);
      if (marks.size === 0) uninstall();
    },
  };
}
