import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a webhook sent. */
export interface ReceivedWebhook {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The event in it (CloudEvents, structured mode). */
  readonly event: { readonly id: string; readonly type: string; readonly subject: string; readonly data: Record<string, unknown> };
}

/** How the receiver answers a request; `hang` keeps it waiting. */
export type ReceiverAnswer = { readonly status: number; readonly headers?: Readonly<Record<string, string>> } | 'hang';

/** A city's own server, as far as events are concerned. */
export interface WebhookReceiver {
  readonly url: string;
  /** Every request, whatever it was answered. */
  readonly received: ReceivedWebhook[];
  /** Requests that were answered with success. */
  readonly taken: ReceivedWebhook[];
  /** Decides from now on. */
  answer(how: (webhook: ReceivedWebhook) => ReceiverAnswer): void;
  close(): Promise<void>;
}

/** Starts one on the loopback. */
export async function startWebhookReceiver(port = 0): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = [];
  const taken: ReceivedWebhook[] = [];
  let how: (webhook: ReceivedWebhook) => ReceiverAnswer = () => ({ status: 204 });
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const webhook = { headers: request.headers, body, event: JSON.parse(body) as ReceivedWebhook['event'] };
      received.push(webhook);
      const answer = how(webhook);
      if (answer === 'hang') return;
      if (answer.status < 300) taken.push(webhook);
      response.writeHead(answer.status, answer.headers).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    received,
    taken,
    answer: (given) => {
      how = given;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
