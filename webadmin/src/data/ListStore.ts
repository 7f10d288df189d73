/**
 * A list of any length, of which only what is looked at is loaded.
 *
 * Does: pages of 100 by the API's search, the whole number, patches by the stream in batches without moving anything,
 * rows that vanished kept in their place, new ones counted until the user asks. Does not: draw.
 */
import { Fault } from "../api/fault";
import { type Row, list, request, rowsOf } from "../api/client";
import { type Change, listen } from "../live/stream";
import { names } from "./names";
import { type Query, searchText } from "./search";

export type { Query, Sort } from "./search";

export const PAGE = 100;
const MOST_PAGES = 12;
const LIT_MS = 1500;
const BATCH_MS = 200;
const MOST_REREAD = 30;

export type Mark = "removed" | "lit";

export class ListStore {
  total: number | undefined;
  error: Fault | undefined;
  fresh = 0;
  version = 0;
  readonly marks = new Map<string, Mark>();
  private readonly pages = new Map<number, Row[]>();
  private readonly loading = new Map<number, AbortController>();
  private readonly where = new Map<string, number>();
  private readonly watchers = new Set<() => void>();
  private stops: (() => void)[] = [];
  private stale = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private used: number[] = [];
  private rereadAll = false;
  private readonly lit = new Map<string, number>();
  private fading: ReturnType<typeof setTimeout> | undefined;
  /** Whether new rows may flow in: nothing is chosen, focused or scrolled. */
  idle: () => boolean = () => true;

  constructor(
    readonly collection: string,
    readonly query: Query,
    readonly extra = "",
  ) {}

  start(): () => void {
    this.stops = [
      listen("changed", (news) => this.changed(news)),
      listen("added", (news) => this.added(news.filter((change) => change.type === this.collection).length)),
      listen("event", (news) => this.collection === "events" && this.added(news.length)),
      listen("removed", (news) => this.removed(news)),
      listen("reload", () => this.reload()),
    ];
    return () => {
      for (const stop of this.stops) stop();
      clearTimeout(this.timer);
      clearTimeout(this.fading);
      for (const controller of this.loading.values()) controller.abort();
      this.loading.clear();
    };
  }

  subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };
  snapshot = (): number => this.version;

  private tell(): void {
    this.version += 1;
    for (const watcher of this.watchers) watcher();
  }

  row(index: number): Row | undefined {
    return this.pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }
  indexOf(id: string): number | undefined {
    return this.where.get(id);
  }
  find(id: string): Row | undefined {
    const index = this.where.get(id);
    return index === undefined ? undefined : this.row(index);
  }
  loaded(): Row[] {
    return [...this.pages.entries()].sort(([a], [b]) => a - b).flatMap(([, rows]) => rows);
  }

  /** These rows are looked at: load what is missing, forget what is far. */
  look(from: number, to: number): void {
    const last = this.total === undefined ? 0 : Math.max(0, Math.ceil(this.total / PAGE) - 1);
    const first = Math.max(0, Math.floor(from / PAGE));
    for (let page = first; page <= Math.min(last, Math.floor(to / PAGE)); page += 1) {
      this.used = [page, ...this.used.filter((other) => other !== page)];
      // What failed is asked for again by the user, or when the stream is back; never by drawing.
      if (!this.pages.has(page) && !this.loading.has(page) && !this.error) void this.load(page);
    }
    for (const [page, controller] of this.loading)
      if (Math.abs(page - first) > 3) {
        controller.abort();
        this.loading.delete(page);
      }
    for (const page of this.used.splice(MOST_PAGES)) {
      for (const row of this.pages.get(page) ?? []) this.where.delete(row.id);
      this.pages.delete(page);
    }
  }

  private async load(page: number): Promise<void> {
    const controller = new AbortController();
    this.loading.set(page, controller);
    try {
      const search = encodeURIComponent(searchText(this.query, page));
      const answer = await request<unknown>("GET", `/${this.collection}?search=${search}&max=${PAGE}${this.extra}`, undefined, {
        signal: controller.signal,
        headers: { Prefer: "count=exact" },
      });
      const rows = rowsOf(answer.body);
      names.learn(this.collection, rows);
      this.put(page, rows);
      const told = answer.headers.get("Total-Count");
      this.total = told !== null ? Number(told) : page * PAGE + rows.length;
      this.error = undefined;
    } catch (error) {
      if (controller.signal.aborted) return;
      this.error = error instanceof Fault ? error : new Fault(0, "Unexpected", String(error));
    } finally {
      if (this.loading.get(page) === controller) this.loading.delete(page);
    }
    this.tell();
  }

  private put(page: number, rows: Row[]): void {
    for (const row of this.pages.get(page) ?? []) if (this.where.get(row.id) === page * PAGE) this.where.delete(row.id);
    this.pages.set(page, rows);
    rows.forEach((row, index) => this.where.set(row.id, page * PAGE + index));
  }

  /** Read everything in sight again, keeping what is shown until the answer is there. */
  reload(): void {
    this.fresh = 0;
    this.error = undefined;
    this.marks.clear();
    const inSight = this.used.slice(0, 3);
    for (const page of this.pages.keys()) if (!inSight.includes(page)) this.pages.delete(page);
    for (const page of inSight.length > 0 ? inSight : [0]) {
      this.loading.get(page)?.abort();
      void this.load(page);
    }
  }

  private added(count: number): void {
    if (count === 0) return;
    if (this.idle()) {
      this.rereadAll = true;
      this.soon();
    } else {
      this.fresh += count;
      this.tell();
    }
  }

  private removed(news: Change[]): void {
    let any = false;
    for (const change of news)
      if (change.type === this.collection && this.where.has(change.id)) {
        this.marks.set(change.id, "removed");
        any = true;
      }
    if (!any) return;
    if (this.idle()) {
      this.rereadAll = true;
      this.soon();
    }
    this.tell();
  }

  private changed(news: Change[]): void {
    let any = false;
    for (const change of news) {
      if (change.type !== this.collection) continue;
      const index = this.where.get(change.id);
      const row = index === undefined ? undefined : this.row(index);
      if (index === undefined || !row) continue;
      any = true;
      const fields = change.fields ?? null;
      const values = change.values ?? {};
      const next: Row = { ...row, ...values, id: row.id };
      for (const field of change.emptied ?? []) delete next[field];
      this.pages.get(Math.floor(index / PAGE))?.splice(index % PAGE, 1, next);
      if (!fields || fields.some((field) => !(field in values) && !(change.emptied ?? []).includes(field))) {
        this.stale.add(change.id);
        this.soon();
      }
      if (["status", "host", "name"].some((field) => JSON.stringify(row[field]) !== JSON.stringify(next[field])))
        this.light(change.id);
    }
    if (any) this.tell();
  }

  private light(id: string): void {
    if (this.marks.get(id) === "removed") return;
    this.marks.set(id, "lit");
    this.lit.set(id, Date.now() + LIT_MS);
    this.fading ??= setTimeout(() => this.fade(), LIT_MS);
  }

  /** Put out what was lit long enough, all in one go. */
  private fade(): void {
    this.fading = undefined;
    const now = Date.now();
    let next = Infinity;
    for (const [id, until] of this.lit) {
      if (until > now + 100) {
        next = Math.min(next, until);
        continue;
      }
      this.lit.delete(id);
      if (this.marks.get(id) === "lit") this.marks.delete(id);
    }
    if (next !== Infinity) this.fading = setTimeout(() => this.fade(), Math.max(250, next - now));
    this.tell();
  }

  /** Read what changed and was not told whole, many in one request. */
  private soon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      const ids = [...this.stale];
      this.stale.clear();
      if (this.rereadAll || ids.length > MOST_REREAD) {
        this.rereadAll = false;
        this.reload();
      } else if (ids.length > 0) {
        void this.reread(ids);
      }
    }, BATCH_MS);
  }

  private async reread(ids: string[]): Promise<void> {
    const rows = await Promise.all(
      ids.map((id) => request<Row>("GET", `/${this.collection}/${id}${this.extra.replace("&", "?")}`).then(({ body }) => body, () => undefined)),
    );
    for (const row of rows) {
      const index = row && this.where.get(row.id);
      if (row === undefined || index === undefined) continue;
      delete row["link"];
      delete row["actions"];
      this.pages.get(Math.floor(index / PAGE))?.splice(index % PAGE, 1, row);
    }
    this.tell();
  }

  /** All rows that match, for "select all" and export; in pages, so that nothing blocks. */
  async all(onProgress?: (read: number) => void): Promise<Row[]> {
    const found: Row[] = [];
    for (let page = 0; ; page += 1) {
      const search = encodeURIComponent(searchText(this.query, page));
      // oxlint-disable-next-line no-await-in-loop
      const rows = await list(`/${this.collection}?search=${search}&max=${PAGE * 5}${this.extra}`);
      found.push(...rows);
      onProgress?.(found.length);
      if (rows.length < PAGE * 5) return found;
    }
  }
}
