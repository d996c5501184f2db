/** The most items that the service returns in a page. */
export const PAGE_SIZE = 1000;

interface Page {
  nextPageToken: string;
}

/** Fetches all pages of a list. */
export async function allPages<P extends Page, T>(
  fetch: (page: { pageSize: number; pageToken: string }) => Promise<P>,
  items: (page: P) => readonly T[],
): Promise<T[]> {
  const all: T[] = [];
  let pageToken = "";
  do {
    const page = await fetch({ pageSize: PAGE_SIZE, pageToken });
    all.push(...items(page));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return all;
}
