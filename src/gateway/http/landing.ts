import { problemCodes, problemText } from '#contract';
import { answer, answerJson, type Route } from './exchange.ts';

const places = [
  ['/graphql', 'die API (GraphQL über HTTP; Abonnements über SSE)', 'the API (GraphQL over HTTP; subscriptions over SSE)'],
  ['/graphiql', 'Ausprobieren im Browser', 'try it in the browser'],
  ['/schema.graphql', 'das Schema als Datei', 'the schema as a file'],
  ['/problems', 'alle Codes von Ablehnungen', 'every code of a refusal'],
  ['/health/ready', 'Zustand', 'health'],
] as const;

const html = (title: string, body: string): string => `<!doctype html>
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

const landing = html(
  'Städtebund',
  `    <main>
      <h1>Städtebund</h1>
      <p>Eine Schnittstelle zu den Verwaltungsleistungen vieler Städte.</p>
      <ul>${places.map(([path, de]) => `<li><a href="${path}">${path}</a> – ${de}</li>`).join('')}</ul>
      <section lang="en">
        <p>One API to the public services of many cities.</p>
        <ul>${places.map(([path, , en]) => `<li><a href="${path}">${path}</a> – ${en}</li>`).join('')}</ul>
      </section>
    </main>`,
);

/** The text of a code with its blanks left visible. */
const blank = (text: string): string => text.replaceAll('–', '…');

const problems = html(
  'Städtebund – Codes',
  `    <main>
      <h1>Ablehnungen – Problems</h1>
      <dl>${problemCodes
        .map((code) => {
          const [de, en] = [problemText({ code }, 'DE'), problemText({ code }, 'EN')].map(blank);
          return `<dt id="${code}"><code>${code}</code></dt><dd>${de}<br><span lang="en">${en}</span></dd>`;
        })
        .join('')}</dl>
    </main>`,
);

const page =
  (body: string): Route =>
  (exchange) =>
    answer(exchange, 200, 'text/html; charset=utf-8', body, { 'content-security-policy': policy, 'cache-control': 'public, max-age=300' });

/** `/`: where to look, for people as a page, for programs as JSON. */
export const landingRoute: Route = (exchange) => {
  if (exchange.request.headers.accept?.includes('text/html')) return page(landing)(exchange);
  answerJson(exchange, 200, {
    name: 'Städtebund',
    de: Object.fromEntries(places.map(([path, de]) => [path, de])),
    en: Object.fromEntries(places.map(([path, , en]) => [path, en])),
  });
};

/** `/problems`: every code with its text; `helpUrl` of a problem leads here. */
export const problemsRoute: Route = page(problems);
