/** What the API refuses, with everything a person needs to go on. */
export class Fault extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    readonly detail: string,
    readonly correlationId?: string,
  ) {
    super(detail || reason);
    this.name = "Fault";
  }

  /** The sentences of the fault, without the brackets that the API puts around each. */
  get sentences(): string[] {
    const found = [...this.detail.matchAll(/\[([^[\]]*)\]/g)].map((hit) => (hit[1] ?? "").trim()).filter(Boolean);
    return found.length > 0 ? found : [this.detail.trim() || this.reason];
  }
}

/** The engine did not answer at all. */
export class Unreachable extends Fault {
  constructor() {
    super(0, "No connection", "The engine cannot be reached. What you entered is kept; try again.");
  }
}

/** Any thrown value as sentences for the user. */
export function sentencesOf(error: unknown): string[] {
  return error instanceof Fault ? error.sentences : [error instanceof Error ? error.message : String(error)];
}
