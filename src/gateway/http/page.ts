import { answer, type Exchange } from './exchange.ts';

/** A page of the hub's own: text only. */
export const html = (title: string, body: string): string => `<!doctype html>
<html lang="de">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${title}</title>
    <link rel="icon" href="data:," />
    <style>body { font: 1rem/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }</style>
  </head>
  <body>
${body}
  </body>
</html>
`;

const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'";

/** Answers with a page. */
export const sendPage = (exchange: Exchange, body: string): void =>
  answer(exchange, 200, 'text/html; charset=utf-8', body, { 'content-security-policy': policy, 'cache-control': 'public, max-age=300' });
