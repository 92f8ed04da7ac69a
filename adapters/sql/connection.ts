import type { Socket } from 'node:net';
import type { Value } from './mapping.ts';

/** Rows as the database writes them: every value as text. */
export interface Result {
  readonly rows: readonly (readonly (string | null)[])[];
  readonly columns: readonly { readonly name: string; readonly kind: ColumnKind }[];
}

/** As far as the adapter must tell columns apart. */
export type ColumnKind = 'integer' | 'uuid' | 'zoned' | 'wall' | 'other';

/** One connection to the database; one statement at a time. */
export interface Connection {
  /** By which the server can be told to end what runs on it. */
  readonly id: string;
  /** Product and version, as the server says. */
  readonly system: string;
  query(sql: string, values: readonly Value[]): Promise<Result>;
  /** The server ends what runs longer; also shows whether the connection still lives. */
  limit(ms: number): Promise<void>;
  /** True where the other side has gone. */
  closed(): boolean;
  /** Closes the socket at once. */
  destroy(): void;
  /** Says goodbye first. */
  end(): Promise<void>;
}

/** Makes connections of one kind of database. */
export interface Driver {
  /** The socket is made before anything is sent, so that it can be destroyed at any moment. */
  open(onSocket: (socket: Socket) => void): Promise<Connection>;
  /** The statement that ends what runs on another connection of the same account. */
  readonly kill: (id: string) => { readonly sql: string; readonly values: readonly Value[] };
}

/** Longest wait for a lock, in milliseconds: below the usual deadline, so that it is told from a server that is away. */
export const LOCK_WAIT_MS = 4_000;

/** An id that goes into a statement's text. */
export const digits = (id: string): string => {
  if (!/^\d{1,20}$/.test(id)) throw new TypeError('not an id of a connection');
  return id;
};
