import { createServer } from 'node:net';

/** The ports that README and how-tos name. */
const usual = { hub: 4000, issuer: 4001 } as const;

/**
 * What the sandbox's tokens carry in `iss`, wherever the issuer listens: whose an application is goes by it, and must be the
 * same after a restart on another port.
 */
export const issuerName = `http://127.0.0.1:${usual.issuer}`;

/** The port that one of the sandbox's servers gets, and the one it usually has. */
export interface ChosenPort {
  readonly port: number;
  readonly usual: number;
}

/** The usual port of a server or, where it is taken, the next free one ten further on (4010, 4020, …); 0, any, where all are taken. */
export async function choosePort(server: keyof typeof usual, host: string): Promise<ChosenPort> {
  const first = usual[server];
  for (let port = first; port < first + 100; port += 10) if (await isFree(port, host)) return { port, usual: first };
  return { port: 0, usual: first };
}

const isFree = (port: number, host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen(port, host, () => server.close(() => resolve(true)));
  });
