/** What the admin API answered: the body, or in words why not. */
export type Answer<T> = { ok: true; body: T } | { ok: false; detail: string };

export async function call<T = unknown>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
  try {
    const answer = await fetch(path, {
      method,
      ...(body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    });
    const parsed = await answer.json();
    return answer.ok ? { ok: true, body: parsed as T } : { ok: false, detail: parsed.detail ?? `status ${answer.status}` };
  } catch {
    return { ok: false, detail: "The server does not answer." };
  }
}
