/** What a list asks of the API. */
export interface Sort {
  field: string;
  down: boolean;
}
export interface Query {
  search: string;
  sort: Sort | undefined;
}
/** The API's search text of a query, for one page. */
export function searchText(query: Query, page: number): string {
  const sort = query.sort ? ` sortby ${query.sort.field} ${query.sort.down ? "desc" : "asc"}` : "";
  return `${query.search}${sort}${page > 0 ? ` page ${page + 1}` : ""}`.trim();
}
