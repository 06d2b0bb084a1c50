/* What the panel asks a kernel for, as words of a magic. */

/** Ids of validators as the magic takes them: nothing that is not one gets into the line. */
export function chosen(only: unknown): string[] {
  return Array.isArray(only)
    ? only.filter(
        (id): id is string => typeof id === 'string' && /^\w[\w.-]*$/.test(id)
      )
    : [];
}
