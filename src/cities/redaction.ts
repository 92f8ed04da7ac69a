/** Takes every registered secret out of a text. */
export type Redact = (text: string) => string;

/** Shorter values would take ordinary words out of every sentence; the loader asks for longer secrets. */
export const SHORTEST_SECRET = 8;

/** A redactor for these secrets, even if they stand encoded for a URL or in base64. */
export function createRedact(secrets: readonly string[]): Redact {
  const forms = secrets
    .flatMap((secret) =>
      secret.length < SHORTEST_SECRET
        ? []
        : [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64').replace(/=+$/, '')],
    )
    .toSorted((a, b) => b.length - a.length);
  return (text) => forms.reduce((clean, secret) => clean.replaceAll(secret, '[secret]'), text);
}
