export function AccessPage() {
  return <h1 tabIndex={-1}>soon</h1>;
}
