import type { AddressInfo, Server, Socket } from 'node:net';

/** A server whose port can be closed and opened again while it keeps its number. */
export interface Listener {
  readonly port: number;
  /** Turns connections away, those that stand as well. */
  shut(): Promise<void>;
  open(): Promise<void>;
}

export async function listen(server: Server, connected: 'connection' | 'secureConnection' = 'connection'): Promise<Listener> {
  const sockets = new Set<Socket>();
  let port = 0;
  const remember = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  };
  server.on('connection', remember);
  if (connected !== 'connection') server.on(connected, remember);
  const open = () =>
    new Promise<void>((resolve, reject) => {
      if (server.listening) return resolve();
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.removeListener('error', reject);
        port = (server.address() as AddressInfo).port;
        resolve();
      });
    });
  await open();
  return {
    port,
    open,
    async shut() {
      if (!server.listening) return;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      sockets.forEach((socket) => socket.destroy());
      await closed;
    },
  };
}
