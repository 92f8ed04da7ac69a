/** Statuses that `applicationChanged` tells over SSE, as they come; abort the signal to stop. */
export const followStatus = (hubUrl: string, token: string, id: string, signal: AbortSignal): string[] =>
  follow<{ applicationChanged?: { status: string } }>(
    { hubUrl, token, signal },
    { query: 'subscription ($id: ID!) { applicationChanged(id: $id) { status } }', variables: { id } },
    ({ applicationChanged }) => applicationChanged?.status,
  );

/** Outcomes that `caseChanged` tells over SSE, `open` before there is one; ends with the hub. */
export const followCase = (hubUrl: string, token: string, id: string): string[] =>
  follow<{ caseChanged?: { outcome: { code: string } | null } }>(
    { hubUrl, token, signal: new AbortController().signal },
    { query: 'subscription ($id: ID!) { caseChanged(id: $id) { outcome { code } } }', variables: { id } },
    ({ caseChanged }) => caseChanged && (caseChanged.outcome?.code ?? 'open'),
  );

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- what the answer looks like is known to who asks
function follow<T>(
  { hubUrl, token, signal }: { readonly hubUrl: string; readonly token: string; readonly signal: AbortSignal },
  request: object,
  tell: (answer: T) => string | undefined,
): string[] {
  const seen: string[] = [];
  const read = async () => {
    const response = await fetch(`${hubUrl}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${token}` },
      body: JSON.stringify(request),
      signal,
    });
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const payload = /^data: (.+)$/m.exec(text.slice(0, end))?.[1];
        text = text.slice(end + 2);
        const { data } = payload ? (JSON.parse(payload) as { data?: T }) : {};
        const told = data && tell(data);
        if (told) seen.push(told);
      }
    }
  };
  read().catch((error: unknown) => {
    if (!signal.aborted) seen.push(String(error));
  });
  return seen;
}
