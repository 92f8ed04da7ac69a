import { AdapterError, soundCase, type CaseChange, type CaseRef, type CaseSnapshot, type Json, type Submission } from '#contract';
import type { TicketingConfig } from './config.ts';

/* Pure: no request, no clock. What goes out, what comes back, and what a cursor means. */

/** A ticket as the API shows it; what the hub does not use is left out. */
export interface Ticket {
  readonly id: number;
  readonly number: string;
  readonly status: string;
  readonly version: number;
  readonly updatedAt: string;
  /** The hub's key. */
  readonly reference: string | null;
}

/** The body of `POST /api/tickets`. `reference` carries the key: it is what makes a lost reply mend itself. */
export const toTicket = (application: Submission, key: string, config: TicketingConfig): Json => {
  const { name, email } = application.applicant;
  return {
    queue: config.queue,
    reference: key,
    title: application.serviceName,
    service: application.service,
    requester: { name, ...(email === undefined ? {} : { email }) },
    form: application.formData,
    receivedAt: application.submittedAt.toISOString(),
  };
};

const exact = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/;

/** @throws AdapterError malformed; `effect` says what that means for the call that got this answer. */
export function toTicketShown(found: Json | undefined, effect: 'none' | 'unknown' = 'none'): Ticket {
  const ticket = found as unknown as Partial<Ticket> | null | undefined;
  // A moment without an offset is none: it would be read in the zone of whatever machine the hub runs on.
  const isMoment = typeof ticket?.updatedAt === 'string' && exact.test(ticket.updatedAt) && !Number.isNaN(Date.parse(ticket.updatedAt));
  if (typeof ticket?.id !== 'number' || typeof ticket.status !== 'string' || typeof ticket.version !== 'number' || !isMoment)
    throw new AdapterError('malformed', effect, 'it is no ticket: id, status, version or updatedAt is missing');
  return ticket as Ticket;
}

/** What is listed, each still to be read. @throws AdapterError malformed where there is no list. */
export function ticketsIn(body: Json): readonly Json[] {
  const tickets = (body as { tickets?: readonly Json[] } | null)?.tickets;
  if (!Array.isArray(tickets)) throw new AdapterError('malformed', 'none', 'the answer has no list of tickets');
  return tickets as readonly Json[];
}

/** Id of a listed ticket, where that much of it can be read. */
export function idOf(found: Json): string | null {
  const { id } = (found ?? {}) as { id?: unknown };
  return typeof id === 'number' || typeof id === 'string' ? String(id) : null;
}

/** The key that a listed ticket carries; null where it carries none. */
export function referenceOf(found: Json): string | null {
  const { reference } = (found ?? {}) as { reference?: unknown };
  return typeof reference === 'string' ? reference : null;
}

export const toRef = ({ id, number }: Ticket): CaseRef => ({ id: String(id), ...(number ? { publicNumber: number } : {}) });

/** The status stays in the back office's words: the city's `statusMap` translates it. */
export const toSnapshot = (ticket: Ticket): CaseSnapshot =>
  soundCase({
    ref: toRef(ticket),
    nativeStatus: ticket.status,
    // Differs with every change. Where a system has no version, moment and status together do: `${updatedAt} ${status}`.
    version: String(ticket.version),
    updatedAt: new Date(ticket.updatedAt),
  });

/** A change by the state it led to: the same state, the same id, however often it is told. */
export function toChange(found: Json): CaseChange {
  const ticket = toTicketShown(found);
  return { ...toSnapshot(ticket), id: `${ticket.id} ${ticket.version}` };
}

/** An id that may be asked for; any other belongs to no ticket, and need not reach the API. */
export const isTicketId = (id: string): boolean => /^[1-9]\d{0,14}$/.test(id);

/** Where a pull goes on: from a moment, and how many tickets of exactly that moment are read already. */
export interface Position {
  readonly since: number;
  readonly skip: number;
}

export const toCursor = ({ since, skip }: Position): string => `${since} ${skip}`;

/** @throws AdapterError malformed where the text is no cursor of this adapter. */
export function parseCursor(cursor: string): Position {
  const match = /^(\d{1,15}) (\d{1,9})$/.exec(cursor);
  if (!match) throw new AdapterError('malformed', 'none', 'the cursor is not one of this adapter');
  return { since: Number(match[1]), skip: Number(match[2]) };
}
