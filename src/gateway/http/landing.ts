import { answerJson, type Route } from './exchange.ts';
import { html, sendPage } from './page.ts';

const all = [
  ['/graphql', 'die API (GraphQL über HTTP; Abonnements über SSE)', 'the API (GraphQL over HTTP; subscriptions over SSE)'],
  ['/graphiql', 'Ausprobieren im Browser', 'try it in the browser'],
  ['/schema.graphql', 'das Schema als Datei', 'the schema as a file'],
  ['/problems', 'alle Codes von Ablehnungen', 'every code of a refusal'],
  ['/health/ready', 'Zustand', 'health'],
] as const;

type Places = readonly (readonly [path: string, de: string, en: string])[];

const page = (places: Places) =>
  html(
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

/** `/`: where to look, for people as a page, for programs as JSON. */
export function landingRoute(hasPlayground: boolean): Route {
  const places = all.filter(([path]) => hasPlayground || path !== '/graphiql');
  const landing = page(places);
  return (exchange) => {
    if (exchange.request.headers.accept?.includes('text/html')) return sendPage(exchange, landing);
    answerJson(exchange, 200, {
      name: 'Städtebund',
      de: Object.fromEntries(places.map(([path, de]) => [path, de])),
      en: Object.fromEntries(places.map(([path, , en]) => [path, en])),
    });
  };
}
