export function CostPage() {
  return <h1 tabIndex={-1}>soon</h1>;
}
